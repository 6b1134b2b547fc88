"""Bases of the models: timestamps, soft delete, indexes with the customer's names."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from collections.abc import Iterable

M = TypeVar("M", bound=models.Model, covariant=True)


class Index(models.Index):
    """An index that may carry the customer's name `idx_<table>_<column>`.

    Django stops at 30 characters for Oracle's sake; PostgreSQL and SQLite take 63.
    """

    max_name_length = 63


def column_index(table: str, *columns: str) -> Index:
    """The plain index the customer's schema asks for on these columns of `table`."""
    return Index(fields=list(columns), name=f"idx_{table}_{'_'.join(columns)}")


def new_uuid_field() -> models.UUIDField[uuid.UUID, uuid.UUID]:
    """The primary key of a CRM table: made here, so that it is known before the insert."""
    return models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)


class CreatedModel(models.Model):
    """A row that knows when it was made."""

    created_at = models.DateTimeField(
        _("created"), default=timezone.now, db_default=Now(), editable=False
    )

    class Meta:
        abstract = True


class TimeStampedQuerySet(models.QuerySet[M]):
    """Moves `updated_at` on set-based writes, as SQLAlchemy's `onupdate` does."""

    def update(self, **kwargs: Any) -> int:
        """Update, and stamp `updated_at` unless the caller sets it."""
        kwargs.setdefault("updated_at", Now())
        return super().update(**kwargs)


class TimeStampedModel(CreatedModel):
    """A row that knows when it was made and when it was last written."""

    updated_at = models.DateTimeField(
        _("updated"), default=timezone.now, db_default=Now(), editable=False
    )

    class Meta:
        abstract = True

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Save, moving `updated_at`, also when only some fields are written."""
        if not self._state.adding:
            self.updated_at = timezone.now()
        if update_fields is not None:
            update_fields = {*update_fields, "updated_at"}
        super().save(*args, update_fields=update_fields, **kwargs)


class SoftDeleteQuerySet(models.QuerySet[M]):
    """Rows that are hidden, not removed. Filtering is always explicit: `.alive()`."""

    def alive(self) -> Self:
        """Rows nobody deleted."""
        return self.filter(deleted_at__isnull=True)

    def deleted(self) -> Self:
        """Rows somebody deleted."""
        return self.filter(deleted_at__isnull=False)


class SoftDeleteModel(models.Model):
    """A row with a deletion mark, who set it and why; `delete()` keeps Django's meaning."""

    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True, editable=False)
    deleted_by = models.CharField(_("deleted by"), null=True, blank=True, editable=False)
    delete_reason = models.CharField(_("reason"), null=True, blank=True, editable=False)

    class Meta:
        abstract = True

    def soft_delete(self, *, by: str | None, reason: str | None = None) -> None:
        """Hide the row, keeping who did it (a user id, or None for a job) and why."""
        self.deleted_at = timezone.now()
        self.deleted_by = by
        self.delete_reason = reason
        self.save(update_fields=["deleted_at", "deleted_by", "delete_reason"])

    def restore(self) -> None:
        """Show the row again."""
        self.deleted_at = self.deleted_by = self.delete_reason = None
        self.save(update_fields=["deleted_at", "deleted_by", "delete_reason"])


class Heartbeat(models.Model):
    """When a process last proved that it works; the queue's is what /readyz reads."""

    name = models.CharField(primary_key=True, max_length=40)
    beat_at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        db_table = "heartbeats"

    def __str__(self) -> str:
        return self.name


class StoredAnswer(models.Model):
    """What a POST with an `Idempotency-Key` answered, for repeats of it (core.idempotency).

    `answer` is `{"status", "headers", "data"}`; `fingerprint` is the hash of the request.
    """

    id = new_uuid_field()
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)

    class Meta:
        db_table = "stored_answers"
        indexes = (
            # Dropping the old ones.
            Index(fields=["created_at"], name="idx_stored_answers_created_at"),
        )
        constraints = (
            # Leads the foreign key's index, too.
            models.UniqueConstraint(fields=["user", "key"], name="uq_stored_answers_user_id_key"),
        )

    def __str__(self) -> str:
        return self.key
