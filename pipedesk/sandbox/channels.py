"""Notification channels: who wants to hear of what.

https://developers.google.com/workspace/calendar/api/guides/push
https://developers.google.com/workspace/drive/api/guides/push
"""

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from pipedesk.sandbox.clock import Clock
from pipedesk.sandbox.errors import (
    GoogleError,
    Json,
    bad_request,
    invalid_value,
    not_found,
    required,
)
from pipedesk.sandbox.store import Index, Store

DAY_S = 86_400


@dataclass(frozen=True)
class Happening:
    """Something channels may want to hear of."""

    topic: str
    state: str
    changed: str = ""
    """Only for a watched file's ``update``: what about it changed."""


@dataclass(frozen=True)
class Lifetime:
    """How long channels on a kind of resource live."""

    default_s: int
    max_s: int


CALENDAR_LIFETIME = Lifetime(7 * DAY_S, 30 * DAY_S)
DRIVE_CHANGES_LIFETIME = Lifetime(3_600, 7 * DAY_S)
DRIVE_FILE_LIFETIME = Lifetime(3_600, DAY_S)


@dataclass(frozen=True)
class Resource:
    """What a channel watches: its topic here, and its address as Google words it."""

    topic: str
    uri: str
    lifetime: Lifetime


class Channels:
    """The table of channels, which Google itself never lists."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._channels = store.table("channels")
        self._by_topic = Index(self._channels, lambda row: [row["topic"]] if row["live"] else [])

    def open(self, request: Json, user: str, resource: Resource) -> Json:
        """Make a channel and announce its ``sync`` message; answer what ``watch`` answers.

        Raises GoogleError 400: ``required``, ``invalid``, ``channelIdNotUnique`` (a used id stays
        used after stop and expiry), ``push.webhookUrlNotHttps``.
        """
        channel_id = _checked_id(request)
        _check_address(request)
        if channel_id in self._channels:
            raise bad_request(f"Channel id {channel_id} not unique", "channelIdNotUnique")
        expiration = self._expiration(request, resource.lifetime)
        row: Json = {
            "id": channel_id,
            "topic": resource.topic,
            "user": user,
            "address": request["address"],
            "token": request.get("token"),
            "expiration": expiration,
            "resource_id": _resource_id(resource.topic, user),
            "resource_uri": resource.uri,
            "number": 0,
            "live": True,
            "last": None,
        }
        self._put(row)
        self._store.announce(Happening("channel/" + channel_id, "sync"))
        answer = {
            "kind": "api#channel",
            "id": channel_id,
            "resourceId": row["resource_id"],
            "resourceUri": resource.uri,
            "expiration": str(expiration),
        }
        if row["token"] is not None:
            answer["token"] = row["token"]
        return answer

    def stop(self, request: Json, user: str) -> None:
        """Raises GoogleError 404 when id, resource id and user do not belong together."""
        for name in ("id", "resourceId"):
            if not request.get(name):
                raise required(f"resource.{name}")
        row = self._channels.get(request["id"])
        if row is None or not self.is_live(row) or row["resource_id"] != request["resourceId"]:
            raise not_found(f"Channel '{request['id']}' not found for project")
        if row["user"] != user:
            raise not_found(f"Channel '{request['id']}' not found for project")
        self._put({**row, "live": False})

    def get(self, channel_id: str) -> Json | None:
        """A channel's row."""
        return self._channels.get(channel_id)

    def is_live(self, row: Json) -> bool:
        """Neither stopped nor expired."""
        return bool(row["live"]) and row["expiration"] > self._clock.now_ms()

    def hearing(self, topic: str) -> list[str]:
        """Ids of the live channels on a topic."""
        if topic.startswith("channel/"):
            return [topic.removeprefix("channel/")]
        rows = (self._channels.get(key) for key in self._by_topic.keys(topic))
        return [row["id"] for row in rows if row is not None and self.is_live(row)]

    def number_message(self, channel_id: str, step: int) -> Json | None:
        """Give the channel its next message number; None when it is not live any more."""
        with self._store.transaction():
            row = self._channels.get(channel_id)
            if row is None or not self.is_live(row):
                return None
            row = {**row, "number": row["number"] + step}
            self._put(row)
            return row

    def remember(self, channel_id: str, last: Json) -> None:
        """Keep what became of the last message, for the page."""
        with self._store.transaction():
            row = self._channels.get(channel_id)
            if row is not None:
                self._put({**row, "last": last})

    def newest(self, limit: int) -> list[Json]:
        """The last channels made, newest first."""
        return list(self._channels.values())[-limit:][::-1]

    def _put(self, row: Json) -> None:
        """Store a channel under a new position, by which the page notices."""
        self._store.next_position()
        self._channels.put(row["id"], row)

    def _expiration(self, request: Json, lifetime: Lifetime) -> int:
        """Milliseconds since the epoch; the stricter of the wish and Google's limit wins."""
        now_ms = self._clock.now_ms()
        longest = now_ms + lifetime.max_s * 1000
        wishes = []
        if request.get("expiration") is not None:
            wishes.append(int(request["expiration"]))
        ttl = (request.get("params") or {}).get("ttl")
        if ttl is not None:
            if not str(ttl).isdigit():
                raise invalid_value("params.ttl")
            wishes.append(now_ms + int(ttl) * 1000)
        wish = min(wishes, default=now_ms + lifetime.default_s * 1000)
        if wish <= now_ms:
            raise invalid_value("expiration", "Channel expiration must be in the future.")
        return min(wish, longest)


def _resource_id(topic: str, user: str) -> str:
    """Opaque, and the same for every channel of a user on a resource."""
    return urlsafe_b64encode(hashlib.sha256(f"{topic}\n{user}".encode()).digest()[:20]).decode()[
        :27
    ]


def _checked_id(request: Json) -> str:
    channel_id = request.get("id")
    if not channel_id:
        raise required("resource.id")
    if len(channel_id) > 64:
        raise invalid_value("resource.id")
    if len(request.get("token") or "") > 256:
        raise invalid_value("resource.token")
    if request.get("type") not in {"web_hook", "webhook"}:
        raise GoogleError(
            400, "channelUnknown", f"Unknown channel type '{request.get('type')}'", domain="push"
        )
    return str(channel_id)


def _check_address(request: Json) -> None:
    """HTTPS as with Google; plain HTTP to this machine, since nothing else can reach it here."""
    address = request.get("address")
    if not address:
        raise required("resource.address")
    url = urlsplit(address)
    if url.scheme == "https" and url.hostname:
        return
    if url.scheme == "http" and _is_loopback(url.hostname or ""):
        return
    raise GoogleError(
        400,
        "push.webhookUrlNotHttps",
        f"WebHook callback must be HTTPS: {address}",
        domain="global",
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
