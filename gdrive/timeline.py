"""Changes in an entity's folder on its timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.timeline import Entry, Record, Row, source
from gdrive import ancestry
from gdrive.models import DriveChangeLog, DriveFile
from pipedesk.accounts.models import User
from pipedesk.core.pagination import Key, Order

TITLES: Final[Mapping[str, Any]] = {
    "created": gettext_lazy("Added in Drive: %(name)s"),
    "updated": gettext_lazy("Changed in Drive: %(name)s"),
    "renamed": gettext_lazy("Renamed in Drive: %(name)s"),
    "moved": gettext_lazy("Moved in Drive: %(name)s"),
    "trashed": gettext_lazy("Put into Drive's trash: %(name)s"),
    "untrashed": gettext_lazy("Taken out of Drive's trash: %(name)s"),
    "shared": gettext_lazy("Shared in Drive: %(name)s"),
    "unshared": gettext_lazy("No longer shared in Drive: %(name)s"),
    "removed": gettext_lazy("Removed from Drive: %(name)s"),
}


@source("drive")
class Changes:
    """What happened to the files and folders below the entity's own."""

    order = Order("drive", (Key("received_at", descending=True), Key("id", descending=True)))

    def rows(self, record: Record) -> QuerySet[Any, Any]:
        """The changes of what is in the tree now, or was when Drive last showed it."""
        tree = ancestry.ids_within(record.entity_type, str(record.entity_id))
        changes = DriveChangeLog.objects.filter(changed_resource_id__in=tree)
        return changes.values("id", "changed_resource_id", "event_type", "received_at")

    def entries(self, rows: Sequence[Row], viewer: User) -> list[Entry]:
        """The changes with the names the files have now; everybody reads the folders."""
        ids = {row["changed_resource_id"] for row in rows}
        files = {file.file_id: file for file in DriveFile.objects.filter(file_id__in=ids)}
        return [_entry(row, files.get(row["changed_resource_id"])) for row in rows]


def _entry(row: Row, file: DriveFile | None) -> Entry:
    event, file_id = row["event_type"], row["changed_resource_id"]
    name = file.name if file else file_id
    title = TITLES.get(event) or _("Change in Drive: %(name)s")
    return Entry(
        id=str(row["id"]),
        title=title % {"name": name},
        metadata={
            "event": event,
            "fileId": file_id,
            "name": name,
            "mimeType": file.mime_type if file else None,
            "webViewLink": file.web_view_link if file else None,
        },
    )
