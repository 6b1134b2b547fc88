"""Meetings people ask us to create, written down before Google is asked."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from gcalendar.models.calendar import MirroredCalendar
from pipedesk.core.models import CreatedModel, column_index


class EventCreation(CreatedModel):
    """The id a meeting is created under: whoever repeats the request meets the same meeting.

    `fingerprint` is the hash of the request, `key` its `Idempotency-Key`. Without an id of ours
    (quick add, where Google gives it) the row stands for the attempt, and until
    `at_work_until` nobody else may make one.

    One that goes on where a series ends has the series' id at Google, the original start of its
    own first occurrence (`split_at`), and whom Google writes to (`split_updates`).
    """

    class State(models.TextChoices):
        WRITING = "writing", _("Being written")
        WRITTEN = "written", _("Written")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    key = models.CharField(max_length=255, null=True, blank=True)
    fingerprint = models.CharField(max_length=64)
    mirrored_calendar = models.ForeignKey(
        MirroredCalendar, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    google_event_id = models.CharField(_("Google's id"), max_length=1024, null=True, blank=True)
    at_work_until = models.DateTimeField(null=True, blank=True)
    split_series_id = models.CharField(max_length=1024, null=True, blank=True)
    split_at = models.DateTimeField(null=True, blank=True)
    split_updates = models.CharField(max_length=12, null=True, blank=True)
    state = models.CharField(
        _("state"),
        max_length=7,
        choices=State.choices,
        default=State.WRITING,
        db_default=State.WRITING,
    )

    class Meta:
        db_table = "calendar_event_creations"
        verbose_name = _("creation of an event")
        verbose_name_plural = _("creations of events")
        ordering = ("id",)
        indexes = (
            # A repeat without a key.
            column_index("calendar_event_creations", "user_id", "fingerprint"),
            column_index("calendar_event_creations", "mirrored_calendar_id"),
            # Dropping the old ones.
            column_index("calendar_event_creations", "created_at"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["user", "key"], name="uq_calendar_event_creations_user_id_key"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["writing", "written"]),
                name="ck_calendar_event_creations_state",
            ),
            # A split says all of it, under an id of ours, or it is none.
            models.CheckConstraint(
                condition=models.Q(
                    split_series_id__isnull=True, split_at__isnull=True, split_updates__isnull=True
                )
                | models.Q(
                    google_event_id__isnull=False,
                    split_series_id__isnull=False,
                    split_at__isnull=False,
                    split_updates__in=["all", "externalOnly", "none"],
                ),
                name="ck_calendar_event_creations_split",
            ),
        )

    def __str__(self) -> str:
        return self.google_event_id or self.fingerprint
