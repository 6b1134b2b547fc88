"""Where a request comes from, which a client must not be able to choose."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest

IPV6_PREFIX = 64  # what one subscriber holds; single addresses in it are free to change


def client_address(request: HttpRequest) -> str:
    """The address that limits are counted for; an IPv6 one stands for its /64.

    Only what our own proxies (TRUSTED_PROXIES, counted from the right) wrote into
    X-Forwarded-For is believed. Where fewer entries came than there are proxies, the request
    did not pass them and counts for whoever connected.
    """
    connected = str(request.META.get("REMOTE_ADDR") or "")
    proxies = settings.TRUSTED_PROXIES
    if proxies:
        named = str(request.META.get("HTTP_X_FORWARDED_FOR") or "").split(",")
        if len(named) >= proxies and (address := _read(named[-proxies])):
            return address
    return _read(connected) or connected


def _read(text: str) -> str | None:
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        plain = int(address) >> (128 - IPV6_PREFIX) << (128 - IPV6_PREFIX)
        return str(ipaddress.IPv6Address(plain))
    return str(address)
