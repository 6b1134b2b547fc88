"""An address Google would not call stops the start."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from webhooks.checks import google_can_be_given_our_address


@pytest.mark.parametrize(
    ("url", "production", "is_fine"),
    [
        ("", True, True),
        ("https://crm.example.com", True, True),
        ("http://127.0.0.1:8000", False, True),
        ("http://127.0.0.1:8000", True, False),
        ("http://crm.example.com", False, False),
        ("crm.example.com", False, False),
        ("https://", False, False),
        ("https://user@crm.example.com", False, False),
        ("ftp://127.0.0.1", False, False),
    ],
)
def test_the_address_must_be_one_google_calls(
    url: str, production: bool, is_fine: bool, settings: Settings
) -> None:
    settings.WEBHOOK_BASE_URL, settings.PRODUCTION = url, production

    faults = [fault.id for fault in google_can_be_given_our_address(None)]
    assert faults == ([] if is_fine else ["pipedesk.E028"])
