"""Files and folders people ask us to create, remembered under the key of their request."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from pipedesk.core.models import CreatedModel, Index


class DriveCreation(CreatedModel):
    """The id a request with an `Idempotency-Key` creates under: a repeat meets its own file.

    Kept as long as the key counts. `fingerprint` is the hash of the request.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    google_id = models.CharField(_("Google's id"), max_length=128, unique=True)

    class Meta:
        db_table = "drive_creations"
        verbose_name = _("creation in Drive")
        verbose_name_plural = _("creations in Drive")
        ordering = ("id",)
        indexes = (
            # Dropping the old ones.
            Index(fields=["created_at"], name="idx_drive_creations_created_at"),
        )
        constraints = (
            # Leads the foreign key's index, too.
            models.UniqueConstraint(fields=["user", "key"], name="uq_drive_creations_user_id_key"),
        )

    def __str__(self) -> str:
        return self.google_id
