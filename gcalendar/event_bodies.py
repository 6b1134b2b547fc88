"""From what people ask for to Google's event JSON. Pure.

https://developers.google.com/workspace/calendar/api/v3/reference/events#resource
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from gcalendar.parsing import zone_named
from gcalendar.recurrence import Series, UnreadableRuleError, unroll
from pipedesk.core.exceptions import InvalidInput

# What `notify` is called at Google.
SEND_UPDATES = {"all": "all", "external": "externalOnly", "none": "none"}
RULES = ("RRULE", "EXRULE", "RDATE", "EXDATE")
# Google's names of texts, which are ours, too.
TEXTS = ("summary", "description", "location")


@dataclass(frozen=True)
class Times:
    """When a meeting is: two moments, or of all-day ones two dates (the last one exclusive)."""

    start: datetime | date
    end: datetime | date
    zone: str

    @property
    def all_day(self) -> bool:
        """Whether they are dates."""
        return not isinstance(self.start, datetime)

    @property
    def length(self) -> timedelta:
        """How long it takes; whole days of an all-day meeting."""
        if isinstance(self.start, datetime) and isinstance(self.end, datetime):
            return self.end - self.start
        return date.fromordinal(self.end.toordinal()) - date.fromordinal(self.start.toordinal())

    def check(self) -> Times:
        """These times, if the end lies behind the start. Raises InvalidInput."""
        if zone_named(self.zone) is None:
            raise InvalidInput("time_zone", _("There is no such time zone."))
        if isinstance(self.start, datetime) is not isinstance(self.end, datetime):
            raise InvalidInput("end_time", _("Start and end are both times, or both dates."))
        if self.end <= self.start:
            raise InvalidInput("end_time", _("The end is not after the start."))
        return self

    def points(self, *, switched: bool = False) -> dict[str, Any]:
        """Google's `start` and `end`. A date has no zone; `switched`: it was a time before."""
        return {"start": self._point(self.start, switched), "end": self._point(self.end, switched)}

    def _point(self, moment: datetime | date, switched: bool) -> dict[str, Any]:
        if isinstance(moment, datetime):
            local = moment.astimezone(ZoneInfo(self.zone))
            point: dict[str, Any] = {"dateTime": local.isoformat(), "timeZone": self.zone}
            return {"date": None, **point} if switched else point
        point = {"date": moment.isoformat()}
        return {"dateTime": None, "timeZone": None, **point} if switched else point


def dates_of(start: datetime | date, end: datetime | date) -> tuple[date, date]:
    """The days of an all-day meeting, the last one exclusive; a day that has begun counts."""
    first = start.date() if isinstance(start, datetime) else start
    if not isinstance(end, datetime):
        return first, end
    begun = end.time() > time()
    return first, end.date() + timedelta(days=1) if begun else end.date()


def series_of(lines: Iterable[str], times: Times) -> Series:
    """What the occurrences of these rules and times follow from."""
    zone = ZoneInfo(times.zone)
    moments = [
        moment if isinstance(moment, datetime) else datetime.combine(moment, time(), zone)
        for moment in (times.start, times.end)
    ]
    starts_at, ends_at = (moment.astimezone(UTC) for moment in moments)
    first, last = (times.start, times.end) if times.all_day else (None, None)
    return Series(tuple(lines), starts_at, ends_at, zone, first, last)


def check_rules(lines: Collection[str], times: Times) -> None:
    """Raise InvalidInput for a rule that nobody can read."""
    series = series_of(lines, times)
    for line in lines:
        if line.partition(":")[0].partition(";")[0].upper() not in RULES:
            raise InvalidInput("recurrence", _("This is no rule: %(line)s") % {"line": line[:100]})
    try:
        unroll(series, (), series.starts_at)
    except UnreadableRuleError as fault:
        message = _("This rule cannot be read: %(fault)s") % {"fault": str(fault)[:200]}
        raise InvalidInput("recurrence", message) from fault


def texts_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """The texts among these values; an empty one is cleared."""
    return {name: values[name] or None for name in TEXTS if name in values}


def guests_of(addresses: Iterable[str]) -> list[dict[str, Any]]:
    """Google's `attendees` of these addresses, each once."""
    return [{"email": address} for address in dict.fromkeys(a.lower() for a in addresses)]


def meet_request(request_id: str) -> dict[str, Any]:
    """What asks for a video call; the same id again asks for nothing new."""
    key = {"type": "hangoutsMeet"}
    return {"createRequest": {"requestId": request_id, "conferenceSolutionKey": key}}


def recipients(guests: Iterable[Mapping[str, Any]], notify: str, subject: str) -> list[str]:
    """Whom Google writes to, in order: never whose calendar it is, nor rooms.

    `external`: whoever is not of the subject's domain.
    """
    if notify == "none":
        return []
    domain = subject.rpartition("@")[2].lower()
    found = {
        str(guest["email"]).lower()
        for guest in guests
        if not (guest.get("organizer") or guest.get("self") or guest.get("resource"))
    } - {subject.lower()}
    if notify == "external":
        found = {address for address in found if address.rpartition("@")[2] != domain}
    return sorted(found)
