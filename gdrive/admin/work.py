"""Folder trees, followed drives and their channels: how the work with Drive stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.views import ChangeList

from gdrive.admin.tree_verbs import TreeVerbsAdmin
from gdrive.layout import ROOT_KEY
from gdrive.models import (
    DriveFolder,
    DriveFolderNode,
    DriveFolderTree,
    DriveSyncState,
    DriveWebhookChannel,
)
from pipedesk.core.pages import ReadOnlyAdmin, ReadOnlyInline, WorkAdmin, WorkFilter, link
from pipedesk.google.channel_columns import ChannelColumns

if TYPE_CHECKING:
    from django.http import HttpRequest


class FolderInline(ReadOnlyInline):
    """The folders of a tree."""

    model = DriveFolderNode
    fields = ("name", "kept_name", "state", "adopted", "remedy", "google_id")
    verbose_name_plural = _("folders")


class TreeList(ChangeList):
    """A page of trees with the names and links of all their folders in one query each."""

    def get_results(self, request: HttpRequest) -> None:
        """The page's rows, each with `root_name` and `folder_url`."""
        super().get_results(request)
        ids = [tree.entity_id for tree in self.result_list]
        folders = DriveFolder.objects.alive().filter(entity_id__in=ids)
        urls = {(row.entity_type, row.entity_id): row.folder_url for row in folders}
        roots = DriveFolderNode.objects.filter(tree__in=list(self.result_list), path_key=ROOT_KEY)
        names = dict(roots.values_list("tree_id", "name"))
        for tree in self.result_list:
            tree.folder_url = urls.get((tree.entity_type, tree.entity_id))
            tree.root_name = names.get(tree.pk)


@admin.register(DriveFolderTree)
class FolderTreeAdmin(TreeVerbsAdmin):
    """Folder trees of leads, companies, deals and contacts."""

    list_display_links = ("work_state",)
    list_display = ("shown_record", "entity_type", "work_state", "last_error", "open_link")
    list_filter = (WorkFilter, "entity_type")
    search_fields = ("entity_id",)
    search_help_text = _("Id of the record")
    inlines = (FolderInline,)
    fields: ClassVar[tuple[str, ...]] = (
        "shown_record",
        "entity_type",
        "template",
        "shown_findings",
        "remark",
        "created_at",
        "updated_at",
        *WorkAdmin.work_fields,
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The list that brings the links along."""
        return TreeList

    @display(description=_("record"))
    def shown_record(self, obj: Any) -> str:
        """The way to the record the tree belongs to, by the name of its folder."""
        name = getattr(obj, "root_name", None) or obj.entity_id
        try:
            url = reverse(f"admin:crm_{obj.entity_type}_change", args=(obj.entity_id,))
        except NoReverseMatch:
            return str(name)
        return format_html('<a href="{}">{}</a>', url, name)

    @display(description=_("link"))
    def open_link(self, obj: Any) -> str:
        """The way to it in Drive."""
        return link(obj.folder_url, gettext("Open in Drive"))


@admin.register(DriveSyncState)
class FollowedDriveAdmin(WorkAdmin):
    """Drives whose changes are followed. The cursor stays out of sight."""

    list_display = ("__str__", "work_state", "as_of", "next_poll_at", "last_error")
    fields: ClassVar[tuple[str, ...]] = (
        "drive_id",
        "as_of",
        "next_poll_at",
        *WorkAdmin.work_fields,
    )


@admin.register(DriveWebhookChannel)
class DriveChannelAdmin(ChannelColumns, ReadOnlyAdmin):
    """Drive's push channels. Not even the hash of a token is shown."""

    list_display = (
        "shown_watched",
        "resource_type",
        "shown_state",
        "shown_age",
        "shown_last_message",
        "shown_renewal",
        "failure",
        "channel_id",
    )
    list_select_related = ("sync_state", "watched_file")
    ordering = ("-active", "-pk")
    list_filter = ("state", "active", "resource_type")
    search_fields = ("channel_id", "watched_resource_id")
    fields: ClassVar[tuple[str, ...]] = (
        "channel_id",
        "resource_type",
        "watched_resource_id",
        "sync_state",
        "active",
        "shown_state",
        "opened_at",
        "expires_at",
        "renew_at",
        "last_message_at",
        "last_message_number",
        "failure",
    )

    @display(description=_("watched"))
    def shown_watched(self, obj: DriveWebhookChannel) -> str:
        """The file or folder, or the drive."""
        return str(obj.watched_file or obj.sync_state)
