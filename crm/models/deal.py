"""Deals (opportunities), table `master_deals`."""

from __future__ import annotations

import uuid
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.folding import containing
from crm.models.company import Company
from crm.models.loaded import LoadedModel
from pipedesk.core.models import (
    SoftDeleteModel,
    SoftDeleteQuerySet,
    TimeStampedModel,
    TimeStampedQuerySet,
    column_index,
    new_uuid_field,
)


class DealQuerySet(  # type: ignore[override]  # django-stubs types as_manager per base
    SoftDeleteQuerySet["Deal"], TimeStampedQuerySet["Deal"]
):
    """Deals."""

    def named_like(self, text: str) -> Self:
        """By a part of the client's name, whatever case and accents."""
        return self.filter(containing(text, "title"))

    def restorable(self) -> Self:
        """Deleted rows that `restore` brings back."""
        return self.filter(deleted_at__isnull=False)

    def tied_to_leads_of(self, *user_ids: uuid.UUID) -> Self:
        """Deals that leads of these people became."""
        return self.filter(leads__owner_id__in=user_ids).distinct()

    def of_company(self, company_id: uuid.UUID) -> Self:
        """Deals of a company."""
        return self.filter(company=company_id)

    def of_lead(self, lead_id: uuid.UUID) -> Self:
        """The deal a lead became."""
        return self.filter(leads=lead_id)


class Deal(LoadedModel, TimeStampedModel, SoftDeleteModel):
    """A master deal; `title` is the attribute, `client_name` the column."""

    id = new_uuid_field()
    title = models.CharField(_("client name"), max_length=500, db_column="client_name")
    company = models.ForeignKey(
        Company,
        verbose_name=_("company"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="deals",
        db_index=False,
    )

    objects = DealQuerySet.as_manager()

    class Meta:
        db_table = "master_deals"
        verbose_name = _("deal")
        verbose_name_plural = _("deals")
        ordering = ("title", "id")
        indexes = (
            column_index("master_deals", "company_id"),
            column_index("master_deals", "deleted_at"),
        )

    def __str__(self) -> str:
        return self.title
