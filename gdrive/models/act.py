"""What somebody is about to do to a file in Drive, written down before Drive is asked."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from gdrive.models.mirror import EntityType
from pipedesk.core.work import Work, WorkQuerySet


class DriveFileActQuerySet(WorkQuerySet["DriveFileAct"]):
    """Acts under way, and those that were left behind."""

    def left_behind(self) -> Self:
        """Acts nobody works on: whoever began them died, or could not reach Drive."""
        return self.filter(Q(lease_until__isnull=True) | Q(lease_until__lt=Now()))


class DriveFileAct(Work):
    """Somebody's act on one file; a file has one at a time, so that they come one by one.

    The row goes with its result. A row left behind is settled by a job: it looks what became
    of the act in Drive, and writes down here who did it and why, or drops it. With `ordered`
    the job does the act itself. `wanted`: the permission a share was to give, change or take.
    """

    task: ClassVar[str] = "gdrive.tasks.settle_file_act"

    class Verb(models.TextChoices):
        TRASH = "trash", _("Delete")
        RESTORE = "restore", _("Restore")
        SHARE = "share", _("Share")

    file_id = models.CharField(_("Google's id"))
    verb = models.CharField(_("act"), max_length=10, choices=Verb.choices)
    entity_type = models.CharField(_("entity type"), max_length=20, choices=EntityType.choices)
    entity_id = models.CharField(_("entity id"), max_length=36)
    user_id = models.CharField(_("by"), max_length=36, null=True, blank=True)
    reason = models.TextField(_("reason"), null=True, blank=True)
    wanted = models.JSONField(null=True, blank=True, editable=False)
    ordered = models.BooleanField(default=False, db_default=False, editable=False)

    objects = DriveFileActQuerySet.as_manager()

    class Meta:
        db_table = "drive_file_acts"
        verbose_name = _("change of a file")
        verbose_name_plural = _("changes of files")
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=["file_id"],
                name="uq_drive_file_acts_file_id",
                violation_error_message=_("Somebody is changing this right now: try again."),
            ),
            models.CheckConstraint(
                condition=models.Q(verb__in=["trash", "restore", "share"]),
                name="ck_drive_file_acts_verb",
            ),
            models.CheckConstraint(
                condition=models.Q(applied__lte=models.F("requested")),
                name="ck_drive_file_acts_applied_le_requested",
            ),
        )

    def __str__(self) -> str:
        return f"{self.verb} {self.file_id}"
