"""What happened with a lead: logged interactions and the statistics they add up to."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.lead import Lead
from pipedesk.core.models import (
    CreatedModel,
    Index,
    TimeStampedModel,
    TimeStampedQuerySet,
    column_index,
    new_uuid_field,
)


class LeadActivityStatsQuerySet(TimeStampedQuerySet["LeadActivityStats"]):
    """Statistics rows."""


class LeadActivityStats(TimeStampedModel):
    """Totals of one lead, so that the work list needs no joins over its history.

    `last_event_at` is the start of the latest meeting held, `next_event_at` of the next one
    known; once that lies in the past it counts as held (see crm.next_action).
    """

    lead = models.OneToOneField(
        Lead,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="activity_stats",
        verbose_name=_("lead"),
    )
    engagement_score = models.IntegerField(_("engagement"), default=0, db_default=0)
    last_interaction_at = models.DateTimeField(_("last interaction"), null=True, blank=True)
    last_interaction_type = models.CharField(
        _("kind of the last interaction"), max_length=20, null=True, blank=True
    )
    last_email_at = models.DateTimeField(_("last e-mail"), null=True, blank=True)
    last_event_at = models.DateTimeField(_("last meeting"), null=True, blank=True)
    next_event_at = models.DateTimeField(_("next meeting"), null=True, blank=True)
    last_call_at = models.DateTimeField(_("last call"), null=True, blank=True)
    last_value_asset_at = models.DateTimeField(_("last value asset"), null=True, blank=True)
    total_emails = models.IntegerField(_("e-mails"), default=0, db_default=0)
    total_events = models.IntegerField(_("meetings"), default=0, db_default=0)
    total_interactions = models.IntegerField(_("interactions"), default=0, db_default=0)

    # The moment the row was last computed for: engagement and "next" depend on the clock.
    computed_at = models.DateTimeField(_("computed"), null=True, blank=True, editable=False)

    # The first moment at which the clock alone changes the row: a meeting begins, or something
    # no longer counts as engagement.
    stale_at = models.DateTimeField(_("due again"), null=True, blank=True, editable=False)

    objects = LeadActivityStatsQuerySet.as_manager()

    class Meta:
        db_table = "lead_activity_stats"
        verbose_name = _("activity statistics")
        verbose_name_plural = _("activity statistics")
        ordering = ("lead",)
        indexes = (
            # Meetings that began since the scores were last looked at.
            column_index("lead_activity_stats", "next_event_at"),
            # What the clock has changed.
            column_index("lead_activity_stats", "stale_at"),
        )

    def __str__(self) -> str:
        return str(self.lead_id)


class Interaction(CreatedModel):
    """Something people did with a lead and logged, e.g. a call."""

    class Kind(models.TextChoices):
        CALL = "call", _("Call")
        EMAIL = "email", _("E-mail")
        MEETING = "meeting", _("Meeting")
        VALUE_ASSET = "value_asset", _("Value asset")
        NOTE = "note", _("Note")

    class Direction(models.TextChoices):
        SENT = "sent", _("Sent")
        RECEIVED = "received", _("Received")

    id = new_uuid_field()
    lead = models.ForeignKey(
        Lead,
        verbose_name=_("lead"),
        on_delete=models.CASCADE,
        related_name="interactions",
        db_index=False,
    )
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    # Of e-mails: those received say more of the lead's interest.
    direction = models.CharField(
        _("direction"),
        max_length=8,
        choices=Direction.choices,
        default=Direction.SENT,
        db_default=Direction.SENT,
    )
    occurred_at = models.DateTimeField(_("when"))
    note = models.TextField(_("note"), default="", blank=True)
    user_id = models.CharField(_("user id"), max_length=36, null=True, blank=True)

    class Meta:
        db_table = "lead_interactions"
        verbose_name = _("interaction")
        verbose_name_plural = _("interactions")
        ordering = ("-occurred_at", "-id")
        indexes = (
            # One lead's interactions, newest first.
            Index(
                fields=["lead", "-occurred_at", "-id"], name="idx_lead_interactions_lead_occurred"
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=models.Q(kind__in=["call", "email", "meeting", "value_asset", "note"]),
                name="ck_lead_interactions_kind",
            ),
            models.CheckConstraint(
                condition=models.Q(direction__in=["sent", "received"]),
                name="ck_lead_interactions_direction",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.occurred_at:%Y-%m-%d}"
