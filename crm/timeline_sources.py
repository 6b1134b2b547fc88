"""The CRM's own part of timelines: what was written, and what people logged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import Interaction, Lead
from crm.timeline import Entry, Record, Row, source
from pipedesk.accounts.models import User
from pipedesk.audit.models import AuditLog
from pipedesk.core.pagination import Key, Order

TITLES: Final[Mapping[str, Any]] = {
    "create": gettext_lazy("Created"),
    "update": gettext_lazy("Changed"),
    "delete": gettext_lazy("Deleted"),
    "restore": gettext_lazy("Restored"),
    "qualify_lead": gettext_lazy("Qualified"),
    "unqualify_lead": gettext_lazy("Qualification taken back"),
    "disqualify_lead": gettext_lazy("Disqualified"),
    "reopen_lead": gettext_lazy("Reopened"),
    "merge": gettext_lazy("Merged"),
    "unmerge": gettext_lazy("Merge taken back"),
}
# The leads whose interactions are an entity's history, too.
LEADS_BEHIND: Final = {
    "lead": "pk",
    "company": "qualified_company",
    "deal": "qualified_master_deal",
}


@source("audit")
class Writes:
    """What was written to the record itself: one entry per write."""

    order = Order("audit", (Key("created_at", descending=True), Key("id", descending=True)))

    def rows(self, record: Record) -> QuerySet[Any, Any]:
        """The record's part of the history."""
        own = AuditLog.objects.filter(
            entity_type=record.entity_type, entity_id=str(record.entity_id)
        )
        return own.values("id", "action", "user_id", "changes", "created_at")

    def entries(self, rows: Sequence[Row], viewer: User) -> list[Entry]:
        """Each write, column by column; everybody reads the whole CRM."""
        return [self._entry(row) for row in rows]

    @staticmethod
    def _entry(row: Row) -> Entry:
        changes = [
            {"field": change["field"], "oldValue": change["old"], "newValue": change["new"]}
            for change in row["changes"]
        ]
        action = row["action"]
        return Entry(
            id=str(row["id"]),
            title=str(TITLES.get(action) or action.replace("_", " ").capitalize()),
            description="\n".join(_sentence(change) for change in changes) or None,
            metadata={
                "action": action,
                "changes": changes,
                **(changes[0] if len(changes) == 1 else {}),
            },
            by=row["user_id"],
        )


def _sentence(change: Mapping[str, Any]) -> str:
    old, new = ("–" if change[name] is None else change[name] for name in ("oldValue", "newValue"))
    return f"{change['field']}: {old} → {new}"


@source("interaction")
class Logged:
    """What people did with the lead, or with the leads behind a company or deal."""

    order = Order("interaction", (Key("occurred_at", descending=True), Key("id", descending=True)))

    def rows(self, record: Record) -> QuerySet[Any, Any]:
        """The interactions; a contact has none, because they are with leads."""
        column = LEADS_BEHIND.get(record.entity_type)
        if column is None:
            found = Interaction.objects.none()
        elif column == "pk":
            found = Interaction.objects.filter(lead=record.entity_id)
        else:
            leads = Lead.objects.known().filter(**{column: record.entity_id})
            found = Interaction.objects.filter(lead__in=leads.order_by().values("pk"))
        return found.values("id", "lead_id", "kind", "direction", "occurred_at", "note", "user_id")

    def entries(self, rows: Sequence[Row], viewer: User) -> list[Entry]:
        """Each interaction; everybody reads the whole CRM."""
        return [
            Entry(
                id=str(row["id"]),
                title=str(_label(row["kind"])),
                description=row["note"] or None,
                metadata={
                    "kind": row["kind"],
                    "direction": row["direction"],
                    "leadId": str(row["lead_id"]),
                },
                by=row["user_id"],
            )
            for row in rows
        ]


def _label(kind: str) -> str:
    return str(dict(Interaction.Kind.choices).get(kind) or _("Interaction"))
