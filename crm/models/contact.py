"""Contact persons."""

from __future__ import annotations

import uuid
from typing import Self

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from crm.folding import containing
from crm.models.loaded import LoadedModel
from crm.models.merge import merged_into_field, refuse_merged
from pipedesk.core.models import (
    Index,
    SoftDeleteModel,
    SoftDeleteQuerySet,
    TimeStampedModel,
    TimeStampedQuerySet,
    column_index,
    new_uuid_field,
)


class ContactQuerySet(  # type: ignore[override]  # django-stubs types as_manager per base
    SoftDeleteQuerySet["Contact"], TimeStampedQuerySet["Contact"]
):
    """Contacts."""

    def named_like(self, text: str) -> Self:
        """By a part of the name or the e-mail, whatever case and accents."""
        return self.filter(containing(text, "name", "email"))

    def restorable(self) -> Self:
        """Deleted rows that `restore` brings back; merged ones come back otherwise."""
        return self.filter(deleted_at__isnull=False, merged_into__isnull=True)

    def tied_to_leads_of(self, *user_ids: uuid.UUID) -> Self:
        """Contacts of the leads these people own."""
        return self.filter(leads__owner_id__in=user_ids).distinct()

    def of_lead(self, lead_id: uuid.UUID) -> Self:
        """Contacts of a lead."""
        return self.filter(leads=lead_id)

    def of_company(self, company_id: uuid.UUID) -> Self:
        """Contacts of the leads that became this company."""
        return self.filter(leads__qualified_company=company_id).distinct()

    def of_deal(self, deal_id: uuid.UUID) -> Self:
        """Contacts of the leads that became this deal."""
        return self.filter(leads__qualified_master_deal=deal_id).distinct()


class Contact(LoadedModel, TimeStampedModel, SoftDeleteModel):
    """A person at a customer; `role` is the job title, e.g. CEO."""

    id = new_uuid_field()
    name = models.CharField(_("name"), max_length=500)
    email = models.EmailField(_("e-mail"), max_length=254, null=True, blank=True)
    phone = models.CharField(_("phone"), max_length=50, null=True, blank=True)
    role = models.CharField(_("role"), max_length=200, null=True, blank=True)
    merged_into = merged_into_field()

    objects = ContactQuerySet.as_manager()

    class Meta:
        db_table = "contacts"
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        ordering = ("name", "id")
        indexes = (
            column_index("contacts", "name", "id"),
            column_index("contacts", "deleted_at"),
            column_index("contacts", "merged_into_id"),
            # Attendees of meetings are matched by address, whatever its case.
            Index(Lower("email"), name="idx_contacts_email"),
        )
        constraints = (
            models.CheckConstraint(
                condition=models.Q(merged_into__isnull=True) | models.Q(deleted_at__isnull=False),
                name="ck_contacts_merged_is_hidden",
                violation_error_message=_("What was merged into another record is hidden."),
            ),
        )

    def __str__(self) -> str:
        return self.name

    def restore(self) -> None:
        """Show the contact again. Raises Conflict when it was merged into another one."""
        refuse_merged(self)
        super().restore()
