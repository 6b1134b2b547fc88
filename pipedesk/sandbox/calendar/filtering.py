"""Which events a list shows."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from pipedesk.sandbox.calendar.events import is_cancelled
from pipedesk.sandbox.calendar.times import moment_of
from pipedesk.sandbox.clock import parse_rfc3339
from pipedesk.sandbox.errors import Json


class Filter:
    """Which events a list shows; every given parameter must agree.

    ``timeMin`` bounds an event's end, ``timeMax`` its start, both exclusive.
    """

    def __init__(self, parameters: dict[str, Any], calendar_zone: str) -> None:
        self._zone = calendar_zone
        self._with_deleted = bool(
            parameters.get("showDeleted")
            or parameters.get("syncToken")
            or parameters.get("updatedMin")
        )
        self._expanded = bool(parameters.get("singleEvents"))
        self._rules = [
            rule(parameters[name])
            for name, rule in self._rules_by_name().items()
            if name in parameters
        ]

    def __call__(self, event: Json) -> bool:
        if is_cancelled(event):
            exception_of_live_series = "recurringEventId" in event and not self._expanded
            if not (self._with_deleted or exception_of_live_series):
                return False
        return all(rule(event) for rule in self._rules)

    def _rules_by_name(self) -> dict[str, Callable[[Any], Callable[[Json], bool]]]:
        return {
            "timeMin": self._ends_after,
            "timeMax": self._starts_before,
            "updatedMin": lambda text: _updated_since(parse_rfc3339(text)),
            "q": _mentions,
            "iCalUID": lambda uid: lambda event: event.get("iCalUID") == uid,
            "eventTypes": lambda kinds: lambda event: event.get("eventType") in kinds,
            "privateExtendedProperty": lambda pairs: _has_properties("private", pairs),
            "sharedExtendedProperty": lambda pairs: _has_properties("shared", pairs),
        }

    def _ends_after(self, text: str) -> Callable[[Json], bool]:
        low = parse_rfc3339(text)
        return lambda event: (
            ("recurrence" in event and not self._expanded)
            or moment_of(event["end"], self._zone) > low
        )

    def _starts_before(self, text: str) -> Callable[[Json], bool]:
        high = parse_rfc3339(text)
        return lambda event: moment_of(event["start"], self._zone) < high


def _updated_since(low: datetime) -> Callable[[Json], bool]:
    return lambda event: parse_rfc3339(event["updated"]) >= low


def _mentions(words: str) -> Callable[[Json], bool]:
    def rule(event: Json) -> bool:
        texts = [str(event.get(name, "")) for name in ("summary", "description", "location")]
        texts += [str(value) for guest in event.get("attendees", []) for value in guest.values()]
        searched = " ".join(texts).lower()
        return all(word in searched for word in words.lower().split())

    return rule


def _has_properties(kind: str, pairs: list[str]) -> Callable[[Json], bool]:
    wanted = [pair.partition("=")[::2] for pair in pairs]

    def rule(event: Json) -> bool:
        properties = event.get("extendedProperties", {}).get(kind, {})
        return all(properties.get(name) == value for name, value in wanted)

    return rule
