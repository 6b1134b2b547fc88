"""The API of push channels: open, list, stop."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from gcalendar.models import MirroredCalendar
from gcalendar.registry import PRIMARY, ensure_default
from gdrive.feed import follow_drive, followed
from gdrive.models import DriveFile, DriveSyncState, DriveWebhookChannel, WatchedFile
from pipedesk.core.exceptions import Conflict, InvalidInput
from pipedesk.core.query import boolean
from pipedesk.core.views import ContractView
from pipedesk.core.viewsets import RecordViewSet
from pipedesk.google.errors import Forbidden, InvalidRequest, NotFound
from webhooks.channels import ensure, stop
from webhooks.kinds import CALENDAR, DRIVE, FILE, Kind
from webhooks.serializers import (
    DriveChannelSerializer,
    DriveWatchSerializer,
    WatchingSerializer,
    WatchSerializer,
)


def opened(kind: Kind, target_pk: int) -> tuple[Any, int]:
    """The live channel and 201 where it is new, 200 where it was there.

    Raises Conflict also when Google refuses for good; passing failures are 503.
    """
    try:
        channel, is_new = ensure(kind, target_pk)
    except (Forbidden, InvalidRequest, NotFound) as refusal:
        text = _("Google offers no push here (%(reason)s); it is polled instead.")
        raise Conflict(text % {"reason": refusal.reason or str(refusal)}) from refusal
    return channel, status.HTTP_201_CREATED if is_new else status.HTTP_200_OK


def calendar_to_watch(calendar_id: str | None) -> MirroredCalendar:
    """A followed calendar by our or Google's id; without one the primary. Raises InvalidInput."""
    ensure_default()
    wanted = calendar_id or PRIMARY
    rows = MirroredCalendar.objects.enabled().order_by("pk")
    found = rows.filter(Q(calendar_id=wanted) | Q(google_id=wanted)).first()
    if found is None and calendar_id is None:
        found = rows.first()
    if found is None:
        raise InvalidInput("calendar_id", _("This calendar is not on the registry."))
    return found


class CalendarWatchView(ContractView):
    """Push for a calendar."""

    resource = "calendar_channel"
    calls_google = True

    @extend_schema(
        request=WatchSerializer, responses={200: WatchingSerializer, 201: WatchingSerializer}
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Open the calendar's channel; the live one is answered where there is one."""
        body = WatchSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        calendar = calendar_to_watch(body.validated_data.get("calendar_id"))
        channel, code = opened(CALENDAR, calendar.pk)
        answer = {
            "status": "watching",
            "channel_id": channel.channel_id,
            "resource_id": channel.resource_id,
            "expiration": channel.expiration,
        }
        return Response(WatchingSerializer(answer).data, status=code)


class DriveChannelViewSet(RecordViewSet):
    """Push for followed drives, and for single files and folders."""

    resource = "drive_channel"
    calls_google = True
    notice = ""
    queryset = DriveWebhookChannel.objects.select_related("sync_state")
    serializer_class = DriveChannelSerializer
    lookup_value_converter = "int"
    http_method_names = ["get", "head", "post", "delete"]
    parameters = {"list": (boolean("active"),)}

    def filter_rows(self, rows: Any) -> Any:
        """All, or those that bring messages."""
        return rows.filter(active=self.query["active"]) if "active" in self.query else rows

    @extend_schema(
        request=DriveWatchSerializer,
        responses={200: DriveChannelSerializer, 201: DriveChannelSerializer},
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Open the channel; the live one is answered where there is one."""
        body = DriveWatchSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        kind, target_pk = self._target(body.validated_data)
        channel, code = opened(kind, target_pk)
        return self.row_response(channel, code)

    def _target(self, wanted: dict[str, Any]) -> tuple[Kind, int]:
        """What to watch. Raises InvalidInput for what we do not follow."""
        if "file_id" in wanted:
            return self._file(wanted["file_id"])
        drive_id = wanted.get("drive_id", followed().drive_id)
        drive = DriveSyncState.objects.filter(drive_id=drive_id).first()
        if drive is None:
            raise InvalidInput("drive_id", _("This drive is not followed."))
        return DRIVE, drive.pk

    def _file(self, file_id: str) -> tuple[Kind, int]:
        file = DriveFile.objects.in_reach().filter(file_id=file_id).first()
        if file is None:
            raise InvalidInput("file_id", _("This file is in no record's folder."))
        if file.drive_id:
            self.notice = _(
                "A file of a shared drive sends no messages; the channel of its drive does."
            )
            return DRIVE, follow_drive(file.drive_id).pk
        return FILE, WatchedFile.objects.want(file).pk

    def get_serializer_context(self) -> dict[str, Any]:
        """With what there is to say about the channel."""
        return {**super().get_serializer_context(), "notice": self.notice}

    def perform_destroy(self, row: DriveWebhookChannel) -> None:
        """Hear no more of it; the row stays as history."""
        if row.watched_file_id is None:
            stop(DRIVE, row)
        else:
            WatchedFile.objects.filter(pk=row.watched_file_id).update(is_wanted=False)
            stop(FILE, row)
