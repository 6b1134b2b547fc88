"""Leads, their contacts and tags."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm import next_action
from crm.folding import containing
from crm.models.company import Company
from crm.models.contact import Contact
from crm.models.deal import Deal
from crm.models.loaded import Changes, LoadedModel
from crm.models.merge import merged_into_field, refuse_merged
from crm.models.reference import LeadOrigin, LeadStatus
from crm.models.tag import Tag
from pipedesk.core.exceptions import Conflict
from pipedesk.core.models import (
    CreatedModel,
    Index,
    SoftDeleteQuerySet,
    column_index,
    new_uuid_field,
)

# Changes of these by people count as an interaction with the lead (crm.receivers).
TRACKED_FIELDS = (
    "owner_id",
    "lead_status_id",
    "lead_origin_id",
    "title",
    "trade_name",
    "priority_score",
    "qualified_company_id",
    "qualified_master_deal_id",
    "address_city",
    "address_state",
)


# The priority a person set; `priority_score` follows it.
MANUAL_PRIORITY = ("manual_priority_score", "manual_priority_by", "manual_priority_at")


def is_interaction(changes: Changes) -> bool:
    """Whether a person's change of a lead counts as an interaction with it.

    Giving it up or taking it up again never does, whoever becomes its owner by that.
    """
    tracked = (*TRACKED_FIELDS, "manual_priority_score")
    return "disqualified_at" not in changes and not changes.keys().isdisjoint(tracked)


class LeadQuerySet(SoftDeleteQuerySet["Lead"]):
    """Leads. `update()` is the way of machines: it moves no timestamps."""

    def known(self) -> Self:
        """Leads that exist for people: qualified ones too, merely deleted ones not."""
        return self.filter(
            Q(deleted_at__isnull=True) | Q(qualified_at__isnull=False, merged_into__isnull=True)
        )

    def restorable(self) -> Self:
        """Leads somebody deleted, not those that were qualified or merged."""
        return self.deleted().filter(qualified_at__isnull=True, merged_into__isnull=True)

    def in_work_list(self) -> Self:
        """Leads still worked on: neither deleted nor qualified, by time or by status."""
        return self.filter(
            Q(lead_status__isnull=True) | ~Q(lead_status__code=LeadStatus.QUALIFIED),
            deleted_at__isnull=True,
            qualified_at__isnull=True,
        )

    def named_like(self, text: str) -> Self:
        """By a part of the legal or trade name, whatever case and accents."""
        return self.filter(containing(text, "title", "trade_name"))

    def with_any_tag(self, tag_ids: Collection[uuid.UUID]) -> Self:
        """Leads with at least one of these tags, each once."""
        return self.filter(
            Exists(LeadTag.objects.filter(lead_id=OuterRef("pk"), tag_id__in=tag_ids))
        )

    def disqualified(self, *, yes: bool = True) -> Self:
        """Leads somebody gave up, or those nobody did."""
        return self.filter(disqualified_at__isnull=not yes)

    def heard_of_since(self, since: datetime) -> Self:
        """Leads with an interaction at that moment or later."""
        return self.filter(last_interaction_at__gte=since)

    def silent_before(self, moment: datetime) -> Self:
        """Leads without an interaction, or with the last one before that moment."""
        return self.filter(Q(last_interaction_at__isnull=True) | Q(last_interaction_at__lt=moment))

    def silent_since(self, moment: datetime) -> Self:
        """As `silent_before`, the moment itself included."""
        return self.filter(Q(last_interaction_at__isnull=True) | Q(last_interaction_at__lte=moment))

    def with_next_action(self, codes: Collection[str], now: datetime) -> Self:
        """Leads for which one of these is what to do next."""
        ruled = self.alias(**next_action.facts(now)).alias(rule=next_action.rule(now))
        return ruled.filter(rule__in=next_action.rules_of(codes))


class Lead(LoadedModel, CreatedModel):
    """A possible customer. `title` is the attribute, `legal_name` the column.

    A qualified lead has `qualified_at` and `deleted_at` set: it left the work list.
    """

    id = new_uuid_field()
    title = models.CharField(_("legal name"), max_length=500, db_column="legal_name")
    trade_name = models.CharField(_("trade name"), max_length=500, null=True, blank=True)
    lead_status = models.ForeignKey(
        LeadStatus,
        verbose_name=_("status"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="leads",
        db_index=False,
    )
    lead_origin = models.ForeignKey(
        LeadOrigin,
        verbose_name=_("origin"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="leads",
        db_index=False,
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        db_column="owner_user_id",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    qualified_company = models.ForeignKey(
        Company,
        verbose_name=_("company"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="leads",
        db_index=False,
    )
    qualified_master_deal = models.ForeignKey(
        Deal,
        verbose_name=_("deal"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="leads",
        db_index=False,
    )
    address_city = models.CharField(_("city"), max_length=200, null=True, blank=True)
    address_state = models.CharField(_("state"), max_length=100, null=True, blank=True)
    last_interaction_at = models.DateTimeField(_("last interaction"), null=True, blank=True)
    priority_score = models.IntegerField(_("priority score"), default=0, db_default=0)
    # What a person set in place of the computed score, who and when; see crm.priority.
    manual_priority_score = models.IntegerField(_("priority set by hand"), null=True, blank=True)
    manual_priority_by = models.CharField(
        _("priority set by"), max_length=36, null=True, blank=True, editable=False
    )
    manual_priority_at = models.DateTimeField(
        _("priority set"), null=True, blank=True, editable=False
    )
    disqualified_at = models.DateTimeField(_("disqualified"), null=True, blank=True)
    disqualification_reason = models.TextField(
        _("reason of disqualification"), null=True, blank=True
    )
    qualified_at = models.DateTimeField(_("qualified"), null=True, blank=True)
    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True)
    updated_at = models.DateTimeField(
        _("updated"), default=timezone.now, db_default=Now(), editable=False
    )
    merged_into = merged_into_field()
    tags = models.ManyToManyField(
        Tag, through="LeadTag", related_name="leads", verbose_name=_("tags"), blank=True
    )
    contacts = models.ManyToManyField(
        Contact,
        through="LeadContact",
        related_name="leads",
        verbose_name=_("contacts"),
        blank=True,
    )

    objects = LeadQuerySet.as_manager()

    class Meta:
        db_table = "leads"
        verbose_name = _("lead")
        verbose_name_plural = _("leads")
        ordering = ("-created_at", "-id")
        indexes = (
            column_index("leads", "last_interaction_at"),
            column_index("leads", "priority_score"),
            column_index("leads", "disqualified_at"),
            column_index("leads", "qualified_at"),
            column_index("leads", "deleted_at"),
            column_index("leads", "updated_at"),
            column_index("leads", "lead_status_id"),
            column_index("leads", "lead_origin_id"),
            Index(fields=["owner_id"], name="idx_leads_owner_user_id"),
            column_index("leads", "qualified_company_id"),
            column_index("leads", "qualified_master_deal_id"),
            column_index("leads", "merged_into_id"),
            # The work list in its default order, the hot one.
            Index(
                fields=["-priority_score", "id"],
                name="idx_leads_open_priority",
                condition=models.Q(deleted_at__isnull=True, qualified_at__isnull=True),
            ),
            # The work list, newest first.
            Index(
                fields=["-created_at", "id"],
                name="idx_leads_open_created",
                condition=models.Q(deleted_at__isnull=True, qualified_at__isnull=True),
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=models.Q(qualified_at__isnull=True) | models.Q(deleted_at__isnull=False),
                name="ck_leads_qualified_is_hidden",
                violation_error_message=_("A qualified lead is hidden: set the deletion time too."),
            ),
            models.CheckConstraint(
                condition=models.Q(
                    manual_priority_score__isnull=True, manual_priority_at__isnull=True
                )
                | models.Q(
                    manual_priority_score__gte=0,
                    manual_priority_score__lte=100,
                    manual_priority_at__isnull=False,
                ),
                name="ck_leads_manual_priority",
                violation_error_message=_("A priority set by hand is 0 to 100 and has its time."),
            ),
            models.CheckConstraint(
                condition=models.Q(merged_into__isnull=True) | models.Q(deleted_at__isnull=False),
                name="ck_leads_merged_is_hidden",
                violation_error_message=_("What was merged into another record is hidden."),
            ),
        )

    def __str__(self) -> str:
        return self.title

    def soft_delete(self) -> None:
        """Hide the lead. Raises Conflict when it is qualified: then it left the lists already."""
        if self.qualified_at is not None:
            raise Conflict(gettext("A qualified lead cannot be deleted."), at=self.qualified_at)
        self.deleted_at = timezone.now()
        self.save()

    def restore(self) -> None:
        """Show the lead again. Raises Conflict when it was merged into another one."""
        refuse_merged(self)
        self.deleted_at = None
        self.save()

    def set_priority(self, score: int, *, by: str | None) -> None:
        """Put a person's score in force until it is cleared; the same again changes nothing."""
        if score != self.manual_priority_score:
            self.manual_priority_score = self.priority_score = score
            self.manual_priority_by = by
            self.manual_priority_at = timezone.now()

    def clear_priority(self) -> None:
        """Take a person's score back; saving puts the computed one in force."""
        self.manual_priority_score = self.manual_priority_by = self.manual_priority_at = None

    def joining(self, changes: Changes) -> tuple[str, ...]:
        """The timestamps that crm.receivers moves, and a priority set by hand."""
        also = ("last_interaction_at",) if is_interaction(changes) else ()
        manual = MANUAL_PRIORITY if "priority_score" in changes else ()
        return (*super().joining(changes), *also, *manual)


class LeadTag(models.Model):
    """A tag on a lead."""

    pk = models.CompositePrimaryKey("lead_id", "tag_id")
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, db_index=False)
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, db_index=False, verbose_name=_("tag"))

    class Meta:
        db_table = "lead_tags"
        verbose_name = _("tag of the lead")
        verbose_name_plural = _("tags of the lead")
        indexes = (
            # Leads of a tag.
            column_index("lead_tags", "tag_id"),
        )

    def __str__(self) -> str:
        return f"{self.lead_id}: {self.tag_id}"


class LeadContact(models.Model):
    """A contact of a lead; at most one is the primary one."""

    pk = models.CompositePrimaryKey("lead_id", "contact_id")
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, db_index=False)
    contact = models.ForeignKey(
        Contact, on_delete=models.CASCADE, db_index=False, verbose_name=_("contact")
    )
    is_primary = models.BooleanField(_("primary"), default=False, db_default=False)
    added_at = models.DateTimeField(
        _("added"), default=timezone.now, db_default=Now(), editable=False
    )

    class Meta:
        db_table = "lead_contacts"
        verbose_name = _("contact of the lead")
        verbose_name_plural = _("contacts of the lead")
        indexes = (
            # Leads of a contact: meetings are matched through it.
            column_index("lead_contacts", "contact_id"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["lead"],
                condition=models.Q(is_primary=True),
                name="uq_lead_contacts_primary",
                violation_error_message=_("The lead has a primary contact already."),
            ),
        )

    def __str__(self) -> str:
        return f"{self.lead_id}: {self.contact_id}"
