"""Two records that turned out to be one."""

from __future__ import annotations

from typing import Any, Self

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pipedesk.core.exceptions import Conflict
from pipedesk.core.models import CreatedModel, Index, new_uuid_field


def merged_into_field() -> models.ForeignKey[Any, Any]:
    """The record that took this one's place; whoever asks for this one is sent there."""
    return models.ForeignKey(
        "self",
        verbose_name=_("merged into"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )


def refuse_merged(row: Any) -> None:
    """Raises Conflict, naming the kept one, where a record was merged: only the undo helps."""
    kept_id = getattr(row, "merged_into_id", None)
    if kept_id is not None:
        message = gettext("Merged into %(id)s: take the merge back instead.") % {"id": kept_id}
        raise Conflict(message, merged_into=str(kept_id))


class MergeQuerySet(models.QuerySet["Merge"]):
    """Merges."""

    def standing(self) -> Self:
        """Merges nobody took back."""
        return self.filter(undone_at__isnull=True)


class Merge(CreatedModel):
    """One merge, with all that taking it back needs.

    `moved` is what the merge changed: attributes of the kept record as `{name: [old, new]}`
    under "fields", the merged one's former mark of deletion under "deletion", the keys of rows
    that changed hands, per `table.column`, under "rows", links of leads under "links" (see
    crm.carrying.LinkMove), and what higher apps noted for the undo under "notes".
    """

    id = new_uuid_field()
    entity_type = models.CharField(_("entity type"), max_length=20)
    kept_id = models.UUIDField(_("kept"))
    merged_id = models.UUIDField(_("merged"))
    user_id = models.CharField(_("user id"), max_length=36, null=True, blank=True)
    moved = models.JSONField(_("what moved"), default=dict)
    undone_at = models.DateTimeField(_("taken back"), null=True, blank=True)
    undone_by = models.CharField(_("taken back by"), max_length=36, null=True, blank=True)

    objects = MergeQuerySet.as_manager()

    class Meta:
        db_table = "merges"
        verbose_name = _("merge")
        verbose_name_plural = _("merges")
        ordering = ("-created_at", "-id")
        indexes = (
            # What was merged into one record, newest first.
            Index(fields=["entity_type", "kept_id", "-created_at"], name="idx_merges_kept"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["entity_type", "merged_id"],
                condition=models.Q(undone_at__isnull=True),
                name="uq_merges_merged",
                violation_error_message=_("This record was merged already."),
            ),
            models.CheckConstraint(
                condition=~models.Q(kept_id=models.F("merged_id")),
                name="ck_merges_two_records",
                violation_error_message=_("A record cannot be merged with itself."),
            ),
        )

    def __str__(self) -> str:
        return f"{self.entity_type} {self.merged_id} → {self.kept_id}"
