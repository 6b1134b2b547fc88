"""The API of events, where it writes to Google."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from gcalendar import authoring, changing, event_bodies, quick_adding, splitting
from gcalendar.changing import MOMENTS
from gcalendar.event_bodies import SEND_UPDATES, Times
from gcalendar.event_rows import Viewer, meeting_in, rendered, row_of
from gcalendar.event_serializers import (
    ChangedMeetingSerializer,
    NewMeetingSerializer,
    QuickAddSerializer,
    RecipientsSerializer,
)
from gcalendar.link_views import LinkedEventViewSet
from gcalendar.linking import links_of
from gcalendar.meetings import state_of
from gcalendar.models import CalendarEvent, MirroredCalendar
from gcalendar.parsing import ENTITY_PROPERTY
from gcalendar.records import find_record
from gcalendar.serializers import EventSerializer
from gcalendar.speaking import shows_times_only
from gcalendar.targets import ALL, FOLLOWING, SCOPES, Scoped
from gcalendar.views import ended_series_named, find_named
from pipedesk.accounts.roles import ADD, CHANGE
from pipedesk.core import idempotency
from pipedesk.core.exceptions import Conflict, InvalidInput
from pipedesk.core.query import Parameter, boolean, choice

DRY_RUN = boolean("dry_run", description="Only tell whom Google would write to.")
NOTIFY = choice("notify", words=list(SEND_UPDATES), description="Whom Google writes to.")
SCOPE = choice("scope", words=SCOPES, description="Of a series: which occurrences.")


class MeetingViewSet(LinkedEventViewSet):
    """Meetings, read and written."""

    http_method_names = ["get", "head", "post", "patch", "delete"]
    calls_google = True
    # Who may change a meeting may cancel it.
    role_actions = {**LinkedEventViewSet.role_actions, "destroy": CHANGE, "quick_add": ADD}
    parameters: ClassVar[dict[str, Sequence[Parameter]]] = {
        **LinkedEventViewSet.parameters,
        "create": (DRY_RUN,),
        "partial_update": (SCOPE, NOTIFY, DRY_RUN),
        "destroy": (SCOPE, NOTIFY, DRY_RUN),
    }
    failures: ClassVar[dict[str, tuple[int, ...]]] = {
        "create": (409, 503), "quick_add": (409, 503),
        "partial_update": (409, 503), "destroy": (409, 503),
    }  # fmt: skip

    @extend_schema(
        request=NewMeetingSerializer, responses={200: RecipientsSerializer, 201: EventSerializer}
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Create a meeting in Google Calendar; a repeat meets the same meeting."""
        serializer = NewMeetingSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        calendar = authoring.calendar_named(values.get("calendar_id"), self.user)
        if "entity_type" in values:
            record = find_record(values["entity_type"], values["entity_id"], "entity_id")
            self.refuse_foreign(record)
        body = _body(values, calendar)
        if self.query.get("dry_run"):
            return self._recipients(body.get("attendees", ()), values["notify"], calendar)
        event = authoring.create(
            self.asked(), calendar, body, send_updates=SEND_UPDATES[values["notify"]]
        )
        return self.created_response(event)

    @extend_schema(request=QuickAddSerializer, responses={201: EventSerializer})
    @action(detail=False, methods=["post"], url_path="quick-add")
    def quick_add(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Let Google make a meeting of a line of words; a repeat meets the same meeting."""
        serializer = QuickAddSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        calendar = authoring.calendar_named(values.get("calendar_id"), self.user)
        event = quick_adding.quick_add(
            self.asked(), calendar, values["text"], send_updates=SEND_UPDATES[values["notify"]]
        )
        return self.created_response(event)

    @extend_schema(
        request=ChangedMeetingSerializer,
        responses={
            200: PolymorphicProxySerializer(
                "EventOrRecipients",
                [EventSerializer, RecipientsSerializer],
                resource_type_field_name=None,
            )
        },
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change a meeting, or occurrences of a series; guests stay unless they are named."""
        serializer = ChangedMeetingSerializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        values = dict(serializer.validated_data)
        notify = values.pop("notify", None) or self.query.get("notify", "none")
        done = self.resumed()
        if done is not None:
            return self.event_response(done)
        found = self.found()
        target = found.target
        if target is None:
            raise Conflict(_("This meeting was cancelled."))
        if found.scope == ALL and found.slot is not None and values.keys() & set(MOMENTS):
            raise InvalidInput("start_time", _("The times of a series are changed on the series."))
        if self.query.get("dry_run"):
            after = changing.guests_after(found.whole.attendees or [], values)
            before = found.guests if found.scope == FOLLOWING else found.whole.attendees or []
            return self._recipients([*before, *after], notify, target.calendar)
        whole = found.slot is None and not shows_times_only(target.calendar)
        seen = state_of(found.whole) if whole else {}
        sent = SEND_UPDATES[notify]
        if found.turn is not None:
            event = splitting.split(
                self.asked(), target, found.turn, seen, values, send_updates=sent
            )
        else:
            event = changing.change(target, seen, values, send_updates=sent)
        return self.event_response(event)

    @extend_schema(responses={200: RecipientsSerializer, 204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Cancel a meeting, or occurrences of a series, in Google Calendar."""
        found = self.found_or_over()
        notify = self.query.get("notify", "none")
        target = found.target
        if self.query.get("dry_run"):
            calendar = target.calendar if target else None
            return self._recipients(found.guests, notify, calendar)
        if target is not None and found.turn is not None:
            splitting.end(target, found.turn, send_updates=SEND_UPDATES[notify])
        elif target is not None:
            authoring.cancel(target, send_updates=SEND_UPDATES[notify])
        return Response(status=status.HTTP_204_NO_CONTENT)

    # --- Parts -----------------------------------------------------------------------------
    def found(self) -> Scoped:
        """What the address and `scope` mean, if the caller may change it.

        Raises Http404, PermissionDenied, PreconditionFailed, BadQuery.
        """
        event, slot = find_named(str(self.kwargs["pk"]))
        self.check_object_permissions(self.request, event)
        self.refuse_overtaken(lambda: rendered([slot or row_of(event)], Viewer(self.user))[0])
        scoped = Scoped.of(event, slot, self.query.get("scope"))
        if scoped.whole != event:
            self.check_object_permissions(self.request, scoped.whole)
        for meeting in (event, scoped.whole):
            self._refuse_secret(meeting)
        return scoped

    def found_or_over(self) -> Scoped:
        """The same; of a series that ends before the named occurrence, that nothing follows."""
        try:
            return self.found()
        except Http404:
            following = self.query.get("scope") == FOLLOWING
            over = ended_series_named(str(self.kwargs["pk"])) if following else None
            if over is None:
                raise
        self.check_object_permissions(self.request, over[0])
        self._refuse_secret(over[0])
        return Scoped.following(*over)

    def resumed(self) -> CalendarEvent | None:
        """What an earlier attempt at this very split has made, brought to its end."""
        if self.query.get("scope") != FOLLOWING or self.query.get("dry_run"):
            return None
        event = splitting.resumed(self.asked())
        if event is not None:
            self.check_object_permissions(self.request, event)
        return event

    def _refuse_secret(self, event: CalendarEvent) -> None:
        """Raise PermissionDenied for a private meeting the caller does not attend.

        Even a dry run tells of it: its guests; and a conflict its texts.
        """
        guests = (guest["email"] for guest in event.attendees or ())
        if event.private and not Viewer(self.user).attends(event.organizer_email, guests):
            raise PermissionDenied(_("A private meeting is changed only by those who attend it."))

    def is_own(self, row: CalendarEvent) -> bool:
        """Whether the caller organises or made it, or somebody of their leads is invited."""
        address = (self.user.email or "").lower()
        if row.author_id == self.user.pk or (address and row.organizer_email == address):
            return True
        if row.private:
            return False
        (links,) = links_of([meeting_in(row_of(row))]).values()
        return self.user.pk in links.owner_ids

    def asked(self) -> authoring.Asked:
        """Who asks, and for what."""
        key = idempotency.key_of(self.request)
        return authoring.Asked(self.user, key, idempotency.fingerprint(self.request))

    def created_response(self, event: CalendarEvent) -> Response:
        """A meeting that was just created, with its address."""
        answer = self.event_response(event, status.HTTP_201_CREATED)
        answer["Location"] = reverse("calendar-event-detail", args=[event.pk])
        return answer

    @staticmethod
    def _recipients(guests: Any, notify: str, calendar: MirroredCalendar | None) -> Response:
        if calendar is None:
            return Response({"recipients": []})
        return Response({"recipients": event_bodies.recipients(guests, notify, calendar.subject)})


def _body(values: dict[str, Any], calendar: MirroredCalendar) -> dict[str, Any]:
    """Google's body of a new meeting, without its id. Raises InvalidInput."""
    start, end = values["start_time"], values["end_time"]
    if values["all_day"]:
        start, end = event_bodies.dates_of(start, end)
    times = Times(start, end, values.get("time_zone") or calendar.time_zone or "UTC").check()
    body = {**event_bodies.texts_of(values), **times.points()}
    body = {name: value for name, value in body.items() if value is not None}
    if values.get("attendees"):
        body["attendees"] = event_bodies.guests_of(values["attendees"])
    if values.get("recurrence"):
        event_bodies.check_rules(values["recurrence"], times)
        body["recurrence"] = values["recurrence"]
    if values["create_meet_link"]:
        body["conferenceData"] = event_bodies.meet_request("")
    if "entity_type" in values:
        kind, pk = values["entity_type"], values["entity_id"]
        body["extendedProperties"] = {"private": {ENTITY_PROPERTY: f"{kind}:{pk}"}}
    return body
