"""The history of writes: to look at, for everyone; rows are only ever added."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.views import ChangeList

from pipedesk.accounts.models import User
from pipedesk.audit.models import AuditLog
from pipedesk.core.pages import NOTHING, ReadOnlyAdmin

if TYPE_CHECKING:
    from django.http import HttpRequest


class HistoryList(ChangeList):
    """A page of entries with the names of all their users in one query."""

    def get_results(self, request: HttpRequest) -> None:
        """The page's rows, each with `user_name`."""
        super().get_results(request)
        ids = {entry.user_id for entry in self.result_list if entry.user_id}
        named = {str(user.pk): str(user) for user in User.objects.filter(pk__in=ids)}
        for entry in self.result_list:
            entry.user_name = named.get(entry.user_id, entry.user_id)


@admin.register(AuditLog)
class AuditLogAdmin(ReadOnlyAdmin):
    """The audit log."""

    list_display = ("created_at", "action", "entity_type", "entity_id", "who", "changed_fields")
    list_filter = ("action", "entity_type")
    search_fields = ("entity_id", "user_id", "request_id")
    search_help_text = _("Id of the record, of the user or of the request")
    date_hierarchy = "created_at"
    fields: ClassVar[tuple[str, ...]] = (
        "created_at",
        "action",
        "entity_type",
        "entity_id",
        "user_id",
        "shown_changes",
        "request_id",
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The list that brings the names along."""
        return HistoryList

    @display(description=_("user"), ordering="user_id")
    def who(self, obj: Any) -> str:
        """The user's name; a job has none."""
        return obj.user_name or NOTHING

    @display(description=_("changed"))
    def changed_fields(self, obj: AuditLog) -> str:
        """Which columns."""
        return ", ".join(str(change.get("field")) for change in obj.changes) or NOTHING

    @display(description=_("changes"))
    def shown_changes(self, obj: AuditLog) -> str:
        """Each column, before and after."""
        rows = (
            (change.get("field"), _plain(change.get("old")), _plain(change.get("new")))
            for change in obj.changes
        )
        return format_html_join("", "<p><code>{}</code>: {} → {}</p>", rows) or NOTHING


def _plain(value: Any) -> str:
    return NOTHING if value is None else json.dumps(value, ensure_ascii=False)
