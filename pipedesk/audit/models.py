"""The history of writes to CRM rows, table `audit_logs`."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from pipedesk.core.models import Index


class AuditLog(models.Model):
    """One write: who did what to which row, field by field. Rows are only ever added.

    `changes` is a list of `{"field", "old", "new"}`; values are JSON scalars.
    """

    action = models.CharField(_("action"), max_length=50)
    entity_type = models.CharField(_("entity type"), max_length=50)
    entity_id = models.CharField(_("entity id"), max_length=36)
    user_id = models.CharField(_("user id"), max_length=36, null=True, blank=True)
    changes = models.JSONField(_("changes"), default=list)
    request_id = models.CharField(_("request id"), max_length=64, null=True, blank=True)
    created_at = models.DateTimeField(
        _("created"), default=timezone.now, db_default=Now(), editable=False
    )

    class Meta:
        db_table = "audit_logs"
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        ordering = ("-created_at", "-id")
        indexes = (
            # The history of one record, newest first.
            Index(
                fields=["entity_type", "entity_id", "-created_at", "-id"],
                name="idx_audit_logs_entity",
            ),
            # The audit page, newest first.
            Index(fields=["-created_at", "-id"], name="idx_audit_logs_created_at"),
            # What one person did, and one action (most are rare), newest first.
            Index(fields=["user_id", "-created_at", "-id"], name="idx_audit_logs_user_id"),
            Index(fields=["action", "-created_at", "-id"], name="idx_audit_logs_action"),
            # The history of a record whose type was not said.
            Index(fields=["entity_id"], name="idx_audit_logs_entity_id"),
        )

    def __str__(self) -> str:
        return f"{self.action} {self.entity_type} {self.entity_id}"


class AuditSeal(models.Model):
    """One link of the chain over the history: see pipedesk.audit.sealing.

    `position` counts from 1 without gaps, in the order of sealing. `row_at` is the entry's own
    time, kept here so that sealing knows how far it came even when the entry is gone.
    """

    position = models.PositiveBigIntegerField(primary_key=True)
    entry_id = models.IntegerField(unique=True)
    row_at = models.DateTimeField()
    hash = models.CharField(max_length=64)

    class Meta:
        db_table = "audit_seals"
        verbose_name = _("audit seal")
        verbose_name_plural = _("audit seals")
        ordering = ("position",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(position__gte=1), name="ck_audit_seals_position"
            ),
        )

    def __str__(self) -> str:
        return f"{self.position}: {self.entry_id}"
