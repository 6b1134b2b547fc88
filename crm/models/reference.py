"""Statuses and origins of leads: reference data that staff may extend."""

from __future__ import annotations

from typing import Any, Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.folding import containing
from pipedesk.core.models import CreatedModel, new_uuid_field

_weight_range = (MinValueValidator(0), MaxValueValidator(100))


class ReferenceQuerySet(models.QuerySet[Any]):
    """Coded values."""

    def named_like(self, text: str) -> Self:
        """By a part of the label or the code, whatever case and accents."""
        return self.filter(containing(text, "label", "code"))


class ReferenceModel(CreatedModel):
    """A coded value with a label and its points in the priority score."""

    id = new_uuid_field()
    code = models.CharField(_("code"), max_length=50, unique=True)
    label = models.CharField(_("label"), max_length=100)
    description = models.TextField(_("description"), null=True, blank=True)
    is_active = models.BooleanField(_("active"), default=True, db_default=True)
    sort_order = models.IntegerField(_("order"), default=0, db_default=0)
    priority_weight = models.IntegerField(
        _("points"),
        default=0,
        db_default=0,
        validators=_weight_range,
        help_text=_("Points this value adds to a lead's priority score."),
    )

    objects = ReferenceQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ("sort_order", "label", "id")

    def __str__(self) -> str:
        return self.label


class LeadStatus(ReferenceModel):
    """Where a lead stands, e.g. `new`, `qualified`."""

    QUALIFIED = "qualified"

    color = models.CharField(_("colour"), max_length=20, null=True, blank=True)

    class Meta(ReferenceModel.Meta):
        db_table = "lead_statuses"
        verbose_name = _("lead status")
        verbose_name_plural = _("lead statuses")


class LeadOrigin(ReferenceModel):
    """Where a lead came from, e.g. `referral`."""

    class Meta(ReferenceModel.Meta):
        db_table = "lead_origins"
        verbose_name = _("lead origin")
        verbose_name_plural = _("lead origins")
