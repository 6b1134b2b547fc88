"""The API of events: read from the mirror only."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, NamedTuple

from django.db.models import Min, Q, QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from gcalendar.circles import circle_of, touching
from gcalendar.event_rows import COLUMNS, FIELDS, Viewer, read_stamp, rendered, row_of
from gcalendar.linking import addresses_owned_by
from gcalendar.models import (
    ArchivedAppearance,
    ArchivedOccurrence,
    CalendarEvent,
    CalendarEventArchive,
    EventAppearance,
    EventOccurrence,
    MirroredCalendar,
)
from gcalendar.models.link import KINDS
from gcalendar.parsing import CANCELLED, STATUSES
from gcalendar.registry import PRIMARY
from gcalendar.serializers import EventSerializer
from pipedesk.core.etags import entity_tag, is_unchanged
from pipedesk.core.pagination import OFFSET, TOTAL_CAP, Key, Order
from pipedesk.core.problems import BadQuery
from pipedesk.core.query import Parameter, boolean, choice, choices, identifier, moment, text
from pipedesk.core.viewsets import RecordViewSet

BY_TIME = Order("start", (Key("start_time"), Key("pk")))
BACK, AHEAD = timedelta(days=30), timedelta(days=90)
MAX_ROW_ID = 2**31 - 1


class Side(NamedTuple):
    """Where meetings lie."""

    events: type[Any]
    appearances: type[Any]
    times: type[Any]


LIVE = Side(CalendarEvent, EventAppearance, EventOccurrence)
ARCHIVE = Side(CalendarEventArchive, ArchivedAppearance, ArchivedOccurrence)


class EventViewSet(RecordViewSet):
    """Meetings of all registered calendars; a series as its occurrences."""

    resource = "calendar_event"
    queryset = EventOccurrence.objects.all()
    serializer_class = EventSerializer
    lookup_value_converter = "str"
    http_method_names = ["get", "head"]
    total_cap = TOTAL_CAP
    page_members = {"as_of": {"type": ["string", "null"], "format": "date-time"}}
    parameters: ClassVar[dict[str, Sequence[Parameter]]] = {
        "list": (
            moment("timeMin", "time_min", description="Events that end after this."),
            moment("timeMax", "time_max", description="Events that start before this."),
            text("calendarId", "calendar_id", max_length=255, description="Google's id of it."),
            choice("entityType", "entity_type", words=KINDS),
            identifier("entityId", "entity_id", description="With entityType: whose meetings."),
            choices("status", words=STATUSES, description="Cancelled ones only when asked for."),
            text("q", description="Words in title, description or place."),
            boolean("archived", description="Those that were archived, instead of the others."),
            OFFSET,
        ),
        "retrieve": (boolean("archived", description="Look among the archived ones only."),),
    }

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Events by start, those included that are running at timeMin."""
        calendars = self._calendars()
        rows = self._filtered(calendars).values(*COLUMNS)
        page = self.page_of(rows, BY_TIME, cap=self.total_cap)
        events = rendered(page.rows, Viewer(self.user))
        names = self.wanted(FIELDS)
        if names is not None:
            events = [{name: event[name] for name in names} for event in events]
        return self.page_response(page, events, as_of=self._as_of(calendars))

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One event, by our id or Google's; of a series also one occurrence by Google's id."""
        row = _row_named(str(self.kwargs["pk"]), archived=bool(self.query.get("archived")))
        (event,) = rendered([row], Viewer(self.user))
        names = self.wanted(FIELDS)
        if names is not None:
            event = {name: event[name] for name in names}
        tag = entity_tag(event, partial=names is not None)
        if is_unchanged(request.headers.get("If-None-Match", ""), tag):
            return Response(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": tag})
        return Response(event, headers={"ETag": tag})

    # --- Filters ---------------------------------------------------------------------------
    def _calendars(self) -> Sequence[MirroredCalendar] | None:
        """The calendars asked for; None means all. Raises BadQuery for one nobody registered."""
        wanted = self.query.get("calendarId")
        if wanted is None:
            return None
        named = Q(calendar_id=wanted) | Q(google_id=wanted)
        found = list(MirroredCalendar.objects.filter(named))
        if not found and wanted != PRIMARY:
            raise BadQuery("calendarId", _("No such calendar is mirrored."))
        return found

    def _filtered(self, calendars: Sequence[MirroredCalendar] | None) -> Any:
        statuses = self.query.get("status")
        times = ArchivedOccurrence if self.query.get("archived") else EventOccurrence
        rows = times.objects.shown().overlapping(*self._window())
        rows = rows.with_status(statuses) if statuses else rows.taking_place()
        if calendars is not None:
            rows = rows.on(calendars, live=not statuses or CANCELLED not in statuses)
        if "q" in self.query:
            rows = rows.mentioning(self.query["q"])
        entity = self._entity()
        if entity is not None:
            theirs = touching(circle_of(*entity), entity, rows.events, rows.guests)
            rows = rows.touching(*theirs)
        if "q" in self.query or entity is not None:
            # A hit would give away what the mask hides.
            viewer = Viewer(self.user)
            own = None if viewer.sees_all else addresses_owned_by(self.user.pk)
            rows = rows.open_to(self.user.pk, viewer.address, own)
        return rows

    def _entity(self) -> tuple[str, uuid.UUID] | None:
        given = self.query.keys() & {"entityType", "entityId"}
        if len(given) == 1:
            raise BadQuery(given.pop(), _("entityType and entityId go together."))
        return (self.query["entityType"], self.query["entityId"]) if given else None

    def _window(self) -> tuple[datetime | None, datetime | None]:
        """The bounds; with an entity the last 30 and the next 90 days unless bounds are given."""
        since, until = self.query.get("timeMin"), self.query.get("timeMax")
        if since and until and until <= since:
            raise BadQuery("timeMax", _("The range ends before it starts."))
        if "entityId" in self.query and since is None and until is None:
            now = timezone.now()
            return now - BACK, now + AHEAD
        return since, until

    @staticmethod
    def _as_of(calendars: Sequence[MirroredCalendar] | None) -> datetime | None:
        """As of when the answer equals Google: the oldest of the calendars it is read from."""
        followed = MirroredCalendar.objects.enabled()
        if calendars is not None:
            followed = followed.filter(pk__in=[calendar.pk for calendar in calendars])
        oldest: datetime | None = followed.aggregate(oldest=Min("as_of"))["oldest"]
        return oldest


def _row_named(name: str, *, archived: bool) -> dict[str, Any]:
    """The row behind an id, a live one's first unless `archived`. Raises Http404."""
    for side in (ARCHIVE,) if archived else (LIVE, ARCHIVE):
        if (found := _found_on(side, name)) is not None:
            event, slot = found
            return row_of(event) if slot is None else slot
    raise Http404


def find_named(name: str) -> tuple[CalendarEvent, dict[str, Any] | None]:
    """The meeting behind our id or Google's; of an occurrence of a series its time, too.

    Raises Http404, also for an archived one.
    """
    if (found := _found_on(LIVE, name)) is None:
        raise Http404
    return found


def ended_series_named(name: str) -> tuple[CalendarEvent, datetime] | None:
    """The series and original start behind Google's id of an occurrence, where none follows."""
    series_id, _separator, stamp = name.rpartition("_")
    turn = read_stamp(stamp) if name.isprintable() else None
    series = _event_with_google_id(LIVE, series_id) if turn else None
    if series is None or turn is None or not series.recurrence:
        return None
    times = EventOccurrence.objects.filter(event=series, original_start_time__gte=turn)
    return None if times.exists() else (series, turn)


def _found_on(side: Side, name: str) -> tuple[Any, dict[str, Any] | None] | None:
    if not name.isprintable():
        return None
    if name.isascii() and name.isdigit() and len(name) <= 10 and int(name) <= MAX_ROW_ID:
        event = _told(side).filter(pk=int(name)).first()
        if event is not None:
            return event, None
    event = _event_with_google_id(side, name)
    if event is not None:
        return event, None
    series_id, _separator, stamp = name.rpartition("_")
    original_start = read_stamp(stamp)
    series = _event_with_google_id(side, series_id) if original_start else None
    if series is None or not series.recurrence:
        return None
    times: QuerySet[Any] = side.times.objects.filter(event=series.pk)
    slot = times.filter(original_start_time=original_start).values(*COLUMNS).first()
    return None if slot is None else (series, dict(slot))


def _told(side: Side) -> QuerySet[Any]:
    events: QuerySet[Any] = side.events.objects.filter(source__isnull=False)
    return events.select_related("source")


def _event_with_google_id(side: Side, name: str) -> Any:
    """By the id it has here, or the one it has on any calendar that shows it."""
    event = _told(side).filter(google_event_id=name).first()
    if event is None:
        ids = side.appearances.objects.filter(google_event_id=name).values("event")
        event = _told(side).filter(pk__in=ids).first()
    return event
