"""The API of events, where it writes to Google."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from crm.carrying import KINDS
from gcalendar import authoring, changing, event_bodies
from gcalendar.changing import MOMENTS
from gcalendar.event_bodies import SEND_UPDATES, Times
from gcalendar.event_rows import Viewer, rendered, row_of
from gcalendar.event_serializers import (
    ChangedMeetingSerializer,
    NewMeetingSerializer,
    RecipientsSerializer,
)
from gcalendar.linking import links_of
from gcalendar.meetings import state_of
from gcalendar.mirror import shows_times_only
from gcalendar.models import CalendarEvent, MirroredCalendar
from gcalendar.serializers import EventSerializer
from gcalendar.targets import ALL, SCOPES, Scoped
from gcalendar.views import EventViewSet, find_named
from pipedesk.accounts.roles import CHANGE
from pipedesk.core import idempotency
from pipedesk.core.etags import differing_fields, entity_tag
from pipedesk.core.exceptions import Conflict, InvalidInput
from pipedesk.core.problems import PreconditionFailed
from pipedesk.core.query import Parameter, boolean, choice

DRY_RUN = boolean("dry_run", description="Only tell whom Google would write to.")
NOTIFY = choice("notify", words=list(SEND_UPDATES), description="Whom Google writes to.")
SCOPE = choice("scope", words=SCOPES, description="Of a series: which occurrences.")


class MeetingViewSet(EventViewSet):
    """Meetings, read and written."""

    http_method_names = ["get", "head", "post", "patch", "delete"]
    calls_google = True
    # Who may change a meeting may cancel it.
    role_actions = {"destroy": CHANGE}
    parameters: ClassVar[dict[str, Sequence[Parameter]]] = {
        **EventViewSet.parameters,
        "create": (DRY_RUN,),
        "partial_update": (SCOPE, NOTIFY, DRY_RUN),
        "destroy": (SCOPE, NOTIFY, DRY_RUN),
    }
    failures: ClassVar[dict[str, tuple[int, ...]]] = {
        "create": (409, 503), "partial_update": (409, 503), "destroy": (409, 503),
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
        body = _body(values, calendar)
        if self.query.get("dry_run"):
            return self._recipients(body.get("attendees", ()), values["notify"], calendar)
        event = authoring.create(
            self.asked(), calendar, body, send_updates=SEND_UPDATES[values["notify"]]
        )
        answer = self.event_response(event, status.HTTP_201_CREATED)
        answer["Location"] = f"{request.path.rstrip('/')}/{event.pk}"
        return answer

    @extend_schema(request=ChangedMeetingSerializer, responses={200: EventSerializer})
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change a meeting, or occurrences of a series; guests stay unless they are named."""
        serializer = ChangedMeetingSerializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        values = dict(serializer.validated_data)
        notify = values.pop("notify", None) or self.query.get("notify", "none")
        found = self.found()
        target = found.target
        if target is None:
            raise Conflict(_("This meeting was cancelled."))
        if found.scope == ALL and found.slot is not None and values.keys() & set(MOMENTS):
            raise InvalidInput("start_time", _("The times of a series are changed on the series."))
        if self.query.get("dry_run"):
            before = found.whole.attendees or []
            after = changing.guests_after(before, values)
            return self._recipients([*before, *after], notify, target.calendar)
        whole = found.slot is None and not shows_times_only(target.calendar)
        seen = state_of(found.whole) if whole else {}
        event = changing.change(target, seen, values, send_updates=SEND_UPDATES[notify])
        return self.event_response(event)

    @extend_schema(responses={200: RecipientsSerializer, 204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Cancel a meeting, or occurrences of a series, in Google Calendar."""
        found = self.found()
        notify = self.query.get("notify", "none")
        target = found.target
        if self.query.get("dry_run"):
            guests = found.whole.attendees or ()
            calendar = target.calendar if target else None
            return self._recipients(guests, notify, calendar)
        if target is not None:
            authoring.cancel(target, send_updates=SEND_UPDATES[notify])
        return Response(status=status.HTTP_204_NO_CONTENT)

    # --- Parts -----------------------------------------------------------------------------
    def found(self) -> Scoped:
        """What the address and `scope` mean, if the caller may change it.

        Raises Http404, PermissionDenied, PreconditionFailed, BadQuery.
        """
        event, slot = find_named(str(self.kwargs["pk"]))
        self.check_object_permissions(self.request, event)
        header = self.request.headers.get("If-Match")
        if header is not None:
            (row,) = rendered([slot or row_of(event)], Viewer(self.user))
            fields = differing_fields(header, row)
            if fields is not None:
                raise PreconditionFailed(fields)
        return Scoped.of(event, slot, self.query.get("scope"))

    def is_own(self, row: CalendarEvent) -> bool:
        """Whether the caller organises or made it, or somebody of their leads is invited."""
        address = (self.user.email or "").lower()
        if row.author_id == self.user.pk or (address and row.organizer_email == address):
            return True
        guests = [guest["email"] for guest in row.attendees or ()]
        if row.private or not guests:
            return False
        return any(self.user.pk in found.owner_ids for found in links_of(guests).values())

    def asked(self) -> authoring.Asked:
        """Who asks, and for what."""
        key = idempotency.key_of(self.request)
        return authoring.Asked(self.user, key, idempotency.fingerprint(self.request))

    def event_response(self, event: CalendarEvent, code: int = status.HTTP_200_OK) -> Response:
        """A meeting that was just written, as the caller may see it."""
        (answer,) = rendered([row_of(event)], Viewer(self.user))
        return Response(answer, status=code, headers={"ETag": entity_tag(answer)})

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
        if not KINDS[kind].model.objects.filter(pk=pk).exists():
            raise InvalidInput("entity_id", _("There is no such record."))
        mark = f"{kind}:{pk}"
        body["extendedProperties"] = {"private": {"pipedesk_entity": mark}}
    return body
