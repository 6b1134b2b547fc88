"""A request that goes onto the wire once.

The HTTP library sends a request again when the server hangs up without an answer: it takes the
connection for a stale one. A POST without an id of ours would then be done twice.
"""

from __future__ import annotations

from http.client import BadStatusLine
from typing import Any

from google_auth_httplib2 import AuthorizedHttp
from googleapiclient.http import HttpRequest

from pipedesk.google.wire import Client, Plain, Secure


class _HangsUp:
    """A connection on which that is an error of its own, not a stale connection."""

    def getresponse(self) -> Any:
        """The answer. Raises ConnectionAbortedError where there is none."""
        try:
            return super().getresponse()  # type: ignore[misc]  # of the class beside this one
        except BadStatusLine as failure:
            msg = "the server hung up"
            raise ConnectionAbortedError(msg) from failure


class _Plain(_HangsUp, Plain):
    """One of http:."""


class _Secure(_HangsUp, Secure):
    """One of https:."""


class _SendsOnce(Client):
    """A client with such connections."""

    plain = _Plain
    secure = _Secure


def sent_once(request: HttpRequest, timeout_s: float) -> Any:
    """What the request answers, over a connection of its own."""
    http = _SendsOnce(timeout_s)
    try:
        return request.execute(http=AuthorizedHttp(request.http.credentials, http=http))
    finally:
        http.close()
