"""Deleting and restoring files from their list: ordered here, done by jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action, display

from gdrive import ordering
from gdrive.models import DriveFile, DriveFileAct
from pipedesk.core.exceptions import Conflict
from pipedesk.core.pages import NOTHING, ReadOnlyAdmin, WorkAdmin, WorkFilter

if TYPE_CHECKING:
    from django.http import HttpRequest


class FileVerbsAdmin(ReadOnlyAdmin):
    """The actions of the list of files."""

    actions: ClassVar[list[str]] = ["restore", "trash"]

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Who may delete any file, and restore it: managers."""
        return bool(request.user.has_perm("gdrive.delete_drivefile"))

    @action(description=_("Restore what was deleted"), permissions=["operate"])
    def restore(self, request: HttpRequest, queryset: Any) -> None:
        """Take them out of the trash, here and in Drive."""
        self._order(request, queryset, ordering.restore)

    @action(description=_("Put into the trash"), permissions=["operate"])
    def trash(self, request: HttpRequest, queryset: Any) -> None:
        """Delete them, here and in Drive."""
        self._order(request, queryset, ordering.delete)

    def _order(
        self, request: HttpRequest, queryset: Any, order: Callable[[DriveFile, str], bool]
    ) -> None:
        ordered = 0
        for file in queryset:
            try:
                ordered += order(file, str(request.user.pk))
            except Conflict as refusal:
                self.message_user(request, f"{file}: {refusal.message}", messages.ERROR)
        text = ngettext("%(n)d change ordered.", "%(n)d changes ordered.", ordered)
        messages.success(request, text % {"n": ordered})


@admin.register(DriveFileAct)
class FileActAdmin(WorkAdmin):
    """Deletes, restores and shares under way; those that were given up say why."""

    list_display = ("shown_file", "verb", "work_state", "last_error", "created_at")
    list_filter = (WorkFilter, "verb")
    search_fields = ("file_id", "entity_id")
    fields: ClassVar[tuple[str, ...]] = (
        "shown_file",
        "verb",
        "entity_type",
        "entity_id",
        "reason",
        "created_at",
        *WorkAdmin.work_fields,
    )

    @display(description=_("file"))
    def shown_file(self, obj: DriveFileAct) -> str:
        """The file's name."""
        names = DriveFile.objects.filter(file_id=obj.file_id).values_list("name", flat=True)
        return names.first() or NOTHING
