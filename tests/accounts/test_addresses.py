"""Whose address counts, however many proxies stand before us."""

from __future__ import annotations

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from pipedesk.accounts.addresses import client_address


@pytest.mark.parametrize(
    ("proxies", "connected", "forwarded", "address"),
    [
        (0, "198.51.100.1", None, "198.51.100.1"),
        (0, "198.51.100.1", "203.0.113.1", "198.51.100.1"),
        (1, "10.0.0.1", "198.51.100.1", "198.51.100.1"),
        (1, "10.0.0.1", "203.0.113.1, 198.51.100.1", "198.51.100.1"),
        (2, "10.0.0.1", "203.0.113.1, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        (2, "10.0.0.1", "198.51.100.1", "10.0.0.1"),
        (1, "10.0.0.1", None, "10.0.0.1"),
        (1, "10.0.0.1", "198.51.100.1, not an address", "10.0.0.1"),
        (0, "2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2::"),
        (1, "10.0.0.1", "2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        (0, "::ffff:198.51.100.1", None, "198.51.100.1"),
        (0, "", None, ""),
    ],
)
def test_the_address_is_what_our_own_proxies_saw(
    settings: Settings, proxies: int, connected: str, forwarded: str | None, address: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    request = RequestFactory().get("/", headers=headers, REMOTE_ADDR=connected)

    assert client_address(request) == address
