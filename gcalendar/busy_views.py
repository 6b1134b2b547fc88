"""The API of who is busy when: read from the mirror only, and blocks without a word about them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from gcalendar.busy import calendars_of, diaries
from gcalendar.busy_serializers import (
    NOT_FOUND,
    NOT_SYNCED,
    FreeBusySerializer,
    SlotsSerializer,
)
from gcalendar.models import MirroredCalendar
from gcalendar.parsing import zone_named
from gcalendar.slots import free_for_all, suggested
from gcalendar.spans import Span
from gcalendar.working_hours import DAYS, WorkingHours
from pipedesk.core.problems import BadQuery
from pipedesk.core.query import (
    BadValue,
    Parameter,
    choice,
    choices,
    integer,
    moment,
    text,
)
from pipedesk.core.views import ContractView

MAX_ADDRESSES = 50
MAX_DAYS = 62
# The times of a series are known for 18 months.
HORIZON = timedelta(days=365)
HOURS = r"([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)"
ADDRESS = r"[^@\s,]+@[^@\s,]+"
STEPS = ("15", "30")


def _address(raw: str) -> str:
    if len(raw) > 254 or not re.fullmatch(ADDRESS, raw):
        raise BadValue(_("“%(value)s” is no e-mail address.") % {"value": raw[:100]})
    return raw.lower()


def _hours(raw: str) -> WorkingHours:
    if not re.fullmatch(HOURS, raw, re.ASCII):
        raise BadValue(_("Two times of the day, such as 09:00-18:00."))
    opens, closes = (int(part[:2]) * 60 + int(part[3:]) for part in raw.split("-"))
    if opens >= closes:
        raise BadValue(_("The working hours end before they begin."))
    return WorkingHours(opens, closes)


WHO_AND_WHEN = (
    Parameter(
        "emails",
        _address,
        many=True,
        description=f"Whose time; up to {MAX_ADDRESSES}.",
        schema={
            "type": "array",
            "items": {"type": "string", "format": "email", "maxLength": 254},
        },
    ),
    moment("timeMin", "time_min", description="From when; up to a year back."),
    moment("timeMax", "time_max", description=f"Until when; up to {MAX_DAYS} days later."),
)


class TimesView(ContractView):
    """A view about the time of some people."""

    resource = "calendar_event"

    def needed(self, name: str) -> Any:
        """The value of a parameter. Raises BadQuery where it was not sent."""
        if name not in self.query:
            raise BadQuery(name, _("“%(name)s” is needed.") % {"name": name})
        return self.query[name]

    def addresses(self) -> list[str]:
        """Whose time, in lower case, each once. Raises BadQuery for too many."""
        wanted: list[str] = self.needed("emails")
        if len(wanted) > MAX_ADDRESSES:
            limit = {"limit": MAX_ADDRESSES}
            raise BadQuery("emails", _("More than %(limit)s addresses.") % limit)
        return wanted

    def window(self) -> tuple[datetime, datetime]:
        """The range in UTC. Raises BadQuery where it is empty, too long, or not known."""
        since = self.needed("timeMin").astimezone(UTC)
        until = self.needed("timeMax").astimezone(UTC)
        now = timezone.now()
        if until <= since:
            raise BadQuery("timeMax", _("The range ends before it starts."))
        if until - since > timedelta(days=MAX_DAYS):
            raise BadQuery("timeMax", _("The range is over %(n)s days long.") % {"n": MAX_DAYS})
        for name, at in (("timeMin", since), ("timeMax", until)):
            if abs(at - now) > HORIZON:
                raise BadQuery(name, _("Times are known for a year back and a year ahead."))
        return since, until


class FreeBusyView(TimesView):
    """GET /api/calendar/freebusy."""

    parameters: ClassVar[dict[str, tuple[Parameter, ...]]] = {"get": WHO_AND_WHEN}

    @extend_schema(responses=FreeBusySerializer)
    def get(self, request: Request, **kwargs: Any) -> Response:
        """When people are busy, from the mirror; of an address it does not know, why."""
        addresses = self.addresses()
        since, until = self.window()
        calendars = calendars_of(addresses)
        known = {name: row for name, row in calendars.items() if row.as_of is not None}
        found = diaries(known, since, until)
        answers = {}
        for address in addresses:
            if address in found:
                answers[address] = _diary(found[address].calendar, found[address].busy)
            else:
                reason = NOT_SYNCED if address in calendars else NOT_FOUND
                answers[address] = _diary(calendars.get(address), (), reason)
        return Response({"time_min": since, "time_max": until, "calendars": answers})


class SlotsView(TimesView):
    """GET /api/calendar/slots."""

    parameters: ClassVar[dict[str, tuple[Parameter, ...]]] = {
        "get": (
            *WHO_AND_WHEN,
            integer("duration", minimum=5, maximum=24 * 60, description="Minutes."),
            choice("step", words=STEPS, description="Minutes from start to start, in UTC."),
            Parameter(
                "working_hours",
                _hours,
                ("workingHours",),
                description="Such as 09:00-18:00, which is meant where nothing is said.",
                schema={"type": "string", "pattern": f"^{HOURS}$"},
            ),
            choices("working_days", "workingDays", words=DAYS, description="Mo to fr if not."),
            text(
                "time_zone",
                "timeZone",
                max_length=64,
                description="Whose clock the working hours are of; each one's own if not said.",
            ),
            integer("limit", minimum=1, maximum=200, description="At most so many; 20 if not."),
        )
    }

    @extend_schema(responses=SlotsSerializer)
    def get(self, request: Request, **kwargs: Any) -> Response:
        """When a meeting of all of them could be: in working hours, still to come."""
        addresses = self.addresses()
        since, until = self.window()
        length = timedelta(minutes=self.needed("duration"))
        step = timedelta(minutes=int(self.query.get("step", STEPS[0])))
        zone = zone_named(self.query.get("time_zone"))
        if zone is None and "time_zone" in self.query:
            raise BadQuery("time_zone", _("There is no such time zone."))
        calendars = calendars_of(addresses)
        unknown = [name for name in addresses if not (row := calendars.get(name)) or not row.as_of]
        if unknown:
            names = ", ".join(unknown)
            raise BadQuery("emails", _("No calendar is mirrored of: %(names)s.") % {"names": names})
        since = min(max(since, timezone.now()), until)
        found = diaries(calendars, since, until).values()
        free = free_for_all(
            since,
            until,
            [diary.busy for diary in found],
            [zone] if zone else [diary.zone for diary in found],
            self._working_hours(),
        )
        slots = suggested(free, length, step, self.query.get("limit", 20))
        as_of = min(row.as_of for row in calendars.values() if row.as_of)
        return Response({"as_of": as_of, "slots": _spans(slots)})

    def _working_hours(self) -> WorkingHours:
        hours: WorkingHours = self.query.get("working_hours", WorkingHours())
        days = self.query.get("working_days", hours.days)
        return WorkingHours(hours.opens, hours.closes, frozenset(days))


def _diary(calendar: MirroredCalendar | None, busy: Iterable[Span], reason: str = "") -> Any:
    return {
        "as_of": calendar.as_of if calendar else None,
        "time_zone": (calendar.time_zone or None) if calendar else None,
        "busy": _spans(busy),
        "errors": [{"domain": "global", "reason": reason}] if reason else [],
    }


def _spans(spans: Iterable[Span]) -> list[dict[str, datetime]]:
    return [{"start": start, "end": end} for start, end in spans]
