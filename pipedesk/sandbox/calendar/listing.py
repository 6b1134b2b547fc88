"""``events.list``: full lists, incremental ones, their tokens.

https://developers.google.com/workspace/calendar/api/guides/sync
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pipedesk.sandbox.calendar.events import Events, is_cancelled
from pipedesk.sandbox.calendar.filtering import Filter
from pipedesk.sandbox.calendar.times import moment_of
from pipedesk.sandbox.calendar.tokens import decode, digest, encode
from pipedesk.sandbox.clock import Clock, parse_rfc3339
from pipedesk.sandbox.errors import (
    GoogleError,
    Json,
    bad_request,
    full_sync_required,
    invalid_value,
)

FORBIDDEN_WITH_SYNC_TOKEN = (
    "iCalUID",
    "orderBy",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "timeMin",
    "timeMax",
    "updatedMin",
)
NO_TOKEN_WITH = (
    "iCalUID",
    "orderBy",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "updatedMin",
)
SAME_AS_INITIAL = ("singleEvents", "eventTypes", "showHiddenInvitations")
DEFAULT_SIZE = 250
MAX_SIZE = 2500
PAGING = ("pageToken", "maxResults", "fields", "alt", "key", "prettyPrint", "quotaUser", "userIp")
UPDATED_MIN_LIMIT = timedelta(days=30)

Parameters = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """A page of events and the token to go on with: exactly one, or none after a filter."""

    events: list[Json]
    next_page_token: str | None = None
    next_sync_token: str | None = None


class Listing:
    """Lists events; ``generation`` names the tokens that are still good."""

    def __init__(self, events: Events, clock: Clock, generation: Callable[[], str]) -> None:
        self._events = events
        self._clock = clock
        self._generation = generation

    def page(self, calendar: Json, user: str, parameters: Parameters) -> Page:
        """One page. Raises GoogleError 400 for parameters that do not go together, 410 for a
        sync token that is expired, unknown, or another user's."""
        self._check(parameters)
        start = self._start(calendar["id"], user, parameters)
        size = min(max(1, parameters.get("maxResults", DEFAULT_SIZE)), MAX_SIZE)
        if parameters.get("singleEvents") or parameters.get("orderBy"):
            return self._sorted_page(calendar, user, parameters, start, size)
        wanted = Filter(parameters, calendar["timeZone"])
        events: list[Json] = []
        place = start
        for position, event in self._events.changed_since(calendar["id"], start):
            if not wanted(event):
                continue
            if len(events) == size:
                token = encode({"after": place, "query": _fingerprint(parameters, PAGING)})
                return Page(events, next_page_token=token)
            events.append(_listed(event))
            place = position
        return Page(events, next_sync_token=self._sync_token(calendar["id"], user, parameters))

    def list_token(self, user: str, position: int) -> str:
        """The sync token of a user's calendar list."""
        return encode({"at": position, "of": digest([user, self._generation()])})

    def read_list_token(self, user: str, text: str) -> int:
        """The position behind it. Raises GoogleError 410."""
        token = decode(text)
        if token is None or token.get("of") != digest([user, self._generation()]):
            raise full_sync_required()
        return int(token["at"])

    def instances(self, calendar: Json, master: Json, parameters: Parameters) -> list[Json]:
        """Occurrences of a series, filtered like an expanded list."""
        wanted = Filter({**parameters, "singleEvents": True}, calendar["timeZone"])
        found = self._events.instances(calendar, master)
        return [_listed(event) for event in found if wanted(event)]

    def _sorted_page(
        self, calendar: Json, user: str, parameters: Parameters, start: int, size: int
    ) -> Page:
        """A page of an expanded or ordered list; its page token is an offset."""
        page = decode(parameters.get("pageToken", "")) or {}
        after = 0 if page else start
        if parameters.get("syncToken"):
            after = self._read_sync_token(calendar["id"], user, parameters)
        wanted = Filter(parameters, calendar["timeZone"])
        changed: Iterable[Json] = (
            event for _, event in self._events.changed_since(calendar["id"], after)
        )
        if parameters.get("singleEvents"):
            changed = self._expanded(calendar, changed)
        found = [event for event in changed if wanted(event)]
        if parameters.get("orderBy") == "startTime":
            found = [event for event in found if "start" in event]
            found.sort(key=lambda event: moment_of(event["start"], calendar["timeZone"]))
        offset = page.get("offset", 0)
        events = [_listed(event) for event in found[offset : offset + size]]
        if offset + size < len(found):
            token = {"offset": offset + size, "query": _fingerprint(parameters, PAGING)}
            return Page(events, next_page_token=encode(token))
        return Page(events, next_sync_token=self._sync_token(calendar["id"], user, parameters))

    def _expanded(self, calendar: Json, changed: Iterable[Json]) -> Iterator[Json]:
        """Series replaced by their occurrences; exceptions come as such, not on their own."""
        for event in changed:
            if "recurrence" in event and not is_cancelled(event):
                yield from self._events.instances(calendar, event)
            elif "recurringEventId" not in event:
                yield event

    def _check(self, parameters: Parameters) -> None:
        if parameters.get("syncToken"):
            for name in FORBIDDEN_WITH_SYNC_TOKEN:
                if name in parameters:
                    raise bad_request(f"Sync token cannot be used with the {name} parameter.")
            if parameters.get("showDeleted") is False:
                raise bad_request("Sync token cannot be used with showDeleted=false.")
        if parameters.get("orderBy") == "startTime" and not parameters.get("singleEvents"):
            raise bad_request("The requested ordering is not available for the particular query.")
        self._check_times(parameters)

    def _check_times(self, parameters: Parameters) -> None:
        low, high = parameters.get("timeMin"), parameters.get("timeMax")
        if low and high and parse_rfc3339(low) >= parse_rfc3339(high):
            raise GoogleError(
                400, "timeRangeEmpty", "The specified time range is empty.", domain="calendar"
            )
        updated_min = parameters.get("updatedMin")
        if updated_min and parse_rfc3339(updated_min) < self._clock.now() - UPDATED_MIN_LIMIT:
            raise GoogleError(
                410,
                "updatedMinTooLongAgo",
                "The requested minimum modification time lies too far in the past.",
                domain="calendar",
                location="updatedMin",
            )

    def _start(self, calendar_id: str, user: str, parameters: Parameters) -> int:
        """The position to list from: the page's, the sync token's, or the beginning."""
        page_token = parameters.get("pageToken")
        position = 0
        if parameters.get("syncToken"):
            position = self._read_sync_token(calendar_id, user, parameters)
        if not page_token:
            return position
        page = decode(page_token)
        if page is None or page.get("query") != _fingerprint(parameters, PAGING):
            raise invalid_value("pageToken", "Invalid page token value.")
        return int(page.get("after", 0))

    def _sync_token(self, calendar_id: str, user: str, parameters: Parameters) -> str | None:
        if any(name in parameters for name in NO_TOKEN_WITH):
            return None
        return encode(
            {
                "at": self._events.last_position(calendar_id),
                "of": digest([calendar_id, user, self._generation()]),
                "query": _same_as_initial(parameters),
            }
        )

    def _read_sync_token(self, calendar_id: str, user: str, parameters: Parameters) -> int:
        token = decode(parameters["syncToken"])
        if token is None or token.get("of") != digest([calendar_id, user, self._generation()]):
            raise full_sync_required()
        if token.get("query") != _same_as_initial(parameters):
            raise bad_request("Sync token used with other parameters than the initial request.")
        return int(token["at"])


def _listed(event: Json) -> Json:
    """An event as lists show it: of a deleted one only a skeleton is left (recorded behaviour)."""
    if not is_cancelled(event):
        return event
    names = ("kind", "etag", "id", "status", "recurringEventId", "originalStartTime")
    return {name: event[name] for name in names if name in event}


def _same_as_initial(parameters: Parameters) -> str:
    return digest([parameters.get(name) or None for name in SAME_AS_INITIAL])


def _fingerprint(parameters: Parameters, without: Iterable[str]) -> str:
    return digest(
        sorted((name, value) for name, value in parameters.items() if name not in without)
    )
