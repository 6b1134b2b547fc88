"""Companies."""

from __future__ import annotations

import uuid
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.folding import containing
from crm.models.loaded import LoadedModel
from crm.models.merge import merged_into_field, refuse_merged
from pipedesk.core.models import (
    SoftDeleteModel,
    SoftDeleteQuerySet,
    TimeStampedModel,
    TimeStampedQuerySet,
    column_index,
    new_uuid_field,
)


class CompanyQuerySet(  # type: ignore[override]  # django-stubs types as_manager per base
    SoftDeleteQuerySet["Company"], TimeStampedQuerySet["Company"]
):
    """Companies."""

    def named_like(self, text: str) -> Self:
        """By a part of the name, whatever case and accents."""
        return self.filter(containing(text, "name"))

    def restorable(self) -> Self:
        """Deleted rows that `restore` brings back; merged ones come back otherwise."""
        return self.filter(deleted_at__isnull=False, merged_into__isnull=True)

    def tied_to_leads_of(self, *user_ids: uuid.UUID) -> Self:
        """Companies of the leads these people own, or of those leads' deals."""
        return self.filter(
            Q(leads__owner_id__in=user_ids) | Q(deals__leads__owner_id__in=user_ids)
        ).distinct()

    def of_lead(self, lead_id: uuid.UUID) -> Self:
        """The company a lead became."""
        return self.filter(leads=lead_id)

    def of_deal(self, deal_id: uuid.UUID) -> Self:
        """The company of a deal."""
        return self.filter(deals=deal_id)


class Company(LoadedModel, TimeStampedModel, SoftDeleteModel):
    """A company; `name` is its legal name (razão social)."""

    id = new_uuid_field()
    name = models.CharField(_("name"), max_length=500)
    merged_into = merged_into_field()

    objects = CompanyQuerySet.as_manager()

    class Meta:
        db_table = "companies"
        verbose_name = _("company")
        verbose_name_plural = _("companies")
        ordering = ("name", "id")
        indexes = (
            column_index("companies", "name", "id"),
            column_index("companies", "deleted_at"),
            column_index("companies", "merged_into_id"),
        )
        constraints = (
            models.CheckConstraint(
                condition=models.Q(merged_into__isnull=True) | models.Q(deleted_at__isnull=False),
                name="ck_companies_merged_is_hidden",
                violation_error_message=_("What was merged into another record is hidden."),
            ),
        )

    def __str__(self) -> str:
        return self.name

    def restore(self) -> None:
        """Show the company again. Raises Conflict when it was merged into another one."""
        refuse_merged(self)
        super().restore()
