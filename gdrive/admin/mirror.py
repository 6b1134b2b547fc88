"""Files, folders and changes, as Drive last showed them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display

from gdrive.admin.file_verbs import FileVerbsAdmin
from gdrive.models import DriveChangeLog, DriveFile
from gdrive.parsing import FOLDER_MIME_TYPE
from pipedesk.core.pages import NOTHING, Labelled, ReadOnlyAdmin, link

if TYPE_CHECKING:
    from django.db import models
    from django.http import HttpRequest
    from django.utils.functional import _StrPromise


class KindFilter(DropdownFilter):
    """Files or folders."""

    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, _StrPromise]]:
        """The kinds."""
        return [("file", _("Files")), ("folder", _("Folders"))]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> models.QuerySet[Any]:
        """The rows of the chosen kind."""
        if self.value() == "folder":
            return queryset.filter(mime_type=FOLDER_MIME_TYPE)
        if self.value() == "file":
            return queryset.exclude(mime_type=FOLDER_MIME_TYPE)
        return queryset


@admin.register(DriveFile)
class DriveFileAdmin(FileVerbsAdmin):
    """The mirror of Drive."""

    list_display = ("name", "kind", "shown_size", "google_modified_at", "condition", "open_link")
    list_filter = (KindFilter,)
    search_fields = ("name", "file_id")
    search_help_text = _("Name or Google's id")
    fields: ClassVar[tuple[str, ...]] = (
        "name",
        "kind",
        "shown_size",
        "open_link",
        "file_id",
        "parent_folder_id",
        "google_created_at",
        "google_modified_at",
        "condition",
        "trashed_at",
        "unavailable_at",
        "deleted_at",
        "deleted_by",
        "delete_reason",
    )

    @display(description=_("kind"))
    def kind(self, obj: DriveFile) -> str:
        """Folder, or the file's type."""
        return gettext("Folder") if obj.is_folder else obj.mime_type or NOTHING

    @display(description=_("size"), ordering="size")
    def shown_size(self, obj: DriveFile) -> str:
        """The size for people."""
        return NOTHING if obj.size is None else filesizeformat(obj.size)

    @display(description=_("state"), label={"here": "success", "away": "warning"})
    def condition(self, obj: DriveFile) -> Labelled:
        """Whether people find it in Drive."""
        if obj.deleted_at:
            return Labelled("away", gettext("Deleted"))
        if obj.trashed_at:
            return Labelled("away", gettext("In the trash"))
        if obj.unavailable_at:
            return Labelled("away", gettext("Out of reach"))
        return Labelled("here", gettext("There"))

    @display(description=_("link"))
    def open_link(self, obj: DriveFile) -> str:
        """The way to it in Drive."""
        return link(obj.web_view_link, gettext("Open in Drive"))


@admin.register(DriveChangeLog)
class DriveChangeAdmin(ReadOnlyAdmin):
    """What changed in Drive. Headers of the message stay out of sight."""

    list_display = ("received_at", "event_type", "changed_resource_id", "resource_state", "found")
    list_filter = ("event_type",)
    search_fields = ("changed_resource_id", "channel_id")
    date_hierarchy = "received_at"
    fields: ClassVar[tuple[str, ...]] = (
        "received_at",
        "event_type",
        "changed_resource_id",
        "details",
        "drive_id",
        "resource_state",
        "channel_id",
        "found",
    )

    @display(description=_("found by"), label={"push": "success", "poll": "info"})
    def found(self, obj: DriveChangeLog) -> Labelled:
        """Whether Google told us or we asked."""
        if obj.channel_id:
            return Labelled("push", gettext("Push"))
        return Labelled("poll", gettext("Polling"))
