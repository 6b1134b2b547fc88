"""The public keys an issuer publishes (JWKS, RFC 7517): fetched rarely, kept a while."""

from __future__ import annotations

import functools
import http.client
import json
import logging
import threading
import time
import urllib.request
from dataclasses import dataclass
from typing import IO, Any

import jwt

logger = logging.getLogger(__name__)

TIMEOUT_S = 3
MAX_BYTES = 64 * 1024
FRESH_S = 600
STALE_S = 24 * 3600
RETRY_S = 60  # between two fetches for keys we do not know, or after a failed one


@dataclass(frozen=True)
class PublishedKey:
    """A public key and the only algorithm it is good for."""

    key: Any
    algorithm: str


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """Follow nothing: the address is configured, and final."""


class KeySet:
    """The keys of one address; safe to share between threads."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._lock = threading.Lock()
        self._keys: dict[str, PublishedKey] = {}
        self._fetched_at = 0.0
        self._tried_at = 0.0
        # No proxy from the environment, no redirects.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects())

    def find(self, kid: str) -> PublishedKey | None:
        """The key of this name; asks the issuer at most once a minute for what it lacks."""
        with self._lock:
            now = time.time()
            due = now - self._fetched_at >= FRESH_S or kid not in self._keys
            if due and now - self._tried_at >= RETRY_S:
                self._refresh(now)
            if now - self._fetched_at >= STALE_S:
                return None
            return self._keys.get(kid)

    def _refresh(self, now: float) -> None:
        self._tried_at = now
        try:
            keys = read_keys(self._fetch())
        except (OSError, ValueError, http.client.HTTPException) as failure:
            logger.warning("the issuer's keys cannot be fetched: %s", type(failure).__name__)
            return
        self._keys, self._fetched_at = keys, now

    def _fetch(self) -> bytes:
        started = time.monotonic()
        request = urllib.request.Request(self.url, headers={"Accept": "application/json"})  # noqa: S310  (a check refuses other schemes)
        with self._opener.open(request, timeout=TIMEOUT_S) as response:
            return read_limited(response, started + TIMEOUT_S)


def read_limited(response: IO[bytes], deadline_s: float) -> bytes:
    """The body, which must be small and quick. Raises ValueError otherwise."""
    body = b""
    while chunk := response.read1(8192):  # type: ignore[attr-defined]
        body += chunk
        if len(body) > MAX_BYTES or time.monotonic() > deadline_s:
            msg = "too much or too slow"
            raise ValueError(msg)
    return body


def read_keys(document: bytes) -> dict[str, PublishedKey]:
    """The usable keys by name. Raises ValueError when it is no key set."""
    members = json.loads(document)
    published = members.get("keys") if isinstance(members, dict) else None
    if not isinstance(published, list):
        msg = "no key set"
        raise ValueError(msg)  # noqa: TRY004  (a fault of the document, not of a caller)
    keys = {}
    for description in published:
        key = _usable(description)
        if key is not None:
            keys[str(description.get("kid"))] = key
    return keys


def _usable(description: Any) -> PublishedKey | None:
    if not isinstance(description, dict) or description.get("use", "sig") != "sig":
        return None
    kinds = {("RSA", None): "RS256", ("EC", "P-256"): "ES256"}
    algorithm = kinds.get((str(description.get("kty")), description.get("crv")))
    if algorithm is None or description.get("alg", algorithm) != algorithm:
        return None
    try:
        return PublishedKey(jwt.PyJWK(description, algorithm).key, algorithm)
    except jwt.PyJWTError:
        return None


@functools.cache
def key_set(url: str) -> KeySet:
    """The one set of this address in this process."""
    return KeySet(url)
