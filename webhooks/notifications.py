"""Google's push messages: headers in, a frozen Notification out. Pure.

https://developers.google.com/workspace/calendar/api/guides/push
https://developers.google.com/workspace/drive/api/guides/push
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

MASK = "***"

# Visible ASCII only: what Google sends, and nothing a database or a log could choke on.
ID = re.compile(r"[\x21-\x7e]{1,256}")
# Two headers of one name arrive joined by a comma: well-formed, and nobody's channel.
CHANNEL_ID = re.compile(r"[\x21-\x7e]{1,64}(,[\x21-\x7e]{1,64})?")
STATE = re.compile(r"[A-Za-z_-]{1,40}")
# Not \d: Python also takes the digits of other scripts for numbers.
NUMBER = re.compile(r"[0-9]{1,19}")
TEXT = re.compile(r"[\x20-\x7e]*")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
MAX_TOKEN = 256
# The optional headers that are kept, with the longest value each may have.
OPTIONAL = {
    "X-Goog-Channel-Expiration": 64,
    "X-Goog-Resource-URI": 2048,
    "X-Goog-Changed": 256,
}


class MalformedNotification(ValueError):
    """A header is missing or says what Google never says."""


@dataclass(frozen=True)
class Notification:
    """One push message.

    `number` is what fits a signed 64-bit column: the few 19-digit numbers above that wrap to
    negative ones, so that each number stays distinct. `headers` are the allow-listed ones by
    Google's names, with the token masked.
    """

    channel_id: str
    number: int
    resource_id: str
    state: str
    token: str
    headers: dict[str, str]

    @property
    def is_handshake(self) -> bool:
        """Whether this is the message that only says that the channel works."""
        return self.state == "sync"


def token_digest(token: str) -> str:
    """The form in which a channel's token is kept: SHA-256, 64 hexadecimal digits."""
    return sha256(token.encode("utf-8", "replace")).hexdigest()


def parse(meta: Mapping[str, Any]) -> Notification:
    """Read the WSGI environment's headers (`HTTP_X_GOOG_…`).

    A missing token is an empty one: wrong, not malformed.

    Raises MalformedNotification.
    """
    headers = {
        "X-Goog-Channel-ID": _matching(meta, "X-Goog-Channel-ID", CHANNEL_ID),
        "X-Goog-Message-Number": _matching(meta, "X-Goog-Message-Number", NUMBER),
        "X-Goog-Resource-ID": _matching(meta, "X-Goog-Resource-ID", ID),
        "X-Goog-Resource-State": _matching(meta, "X-Goog-Resource-State", STATE),
    }
    token = _header(meta, "X-Goog-Channel-Token") or ""
    if len(token) > MAX_TOKEN or CONTROL.search(token):
        msg = "X-Goog-Channel-Token"
        raise MalformedNotification(msg)
    optional = {name: value for name in OPTIONAL if (value := _optional(meta, name)) is not None}
    number = int(headers["X-Goog-Message-Number"])
    return Notification(
        channel_id=headers["X-Goog-Channel-ID"],
        number=number if number < 2**63 else number - 2**64,
        resource_id=headers["X-Goog-Resource-ID"],
        state=headers["X-Goog-Resource-State"],
        token=token,
        headers=headers | optional | ({"X-Goog-Channel-Token": MASK} if token else {}),
    )


def _header(meta: Mapping[str, Any], name: str) -> str | None:
    return meta.get("HTTP_" + name.upper().replace("-", "_"))


def _matching(meta: Mapping[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value = _header(meta, name)
    if value is None or not pattern.fullmatch(value):
        raise MalformedNotification(name)
    return value


def _optional(meta: Mapping[str, Any], name: str) -> str | None:
    value = _header(meta, name)
    if value is not None and (len(value) > OPTIONAL[name] or not TEXT.fullmatch(value)):
        raise MalformedNotification(name)
    return value
