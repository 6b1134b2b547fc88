"""The tags and contacts of a lead, changed as a whole. Call inside a transaction, lead locked."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from django.utils.translation import gettext as _

from crm.models import Contact, Lead, LeadContact, LeadTag, Tag
from pipedesk.core.exceptions import Conflict, InvalidInput


def set_tags(lead: Lead, tag_ids: Collection[uuid.UUID]) -> None:
    """Give the lead exactly these tags. Raises InvalidInput for a tag nobody made."""
    refuse_unknown_tags("tag_ids", tag_ids)
    had = LeadTag.objects.filter(lead=lead).values_list("tag_id", flat=True)
    change_tags(lead, add=tag_ids, remove=set(had) - set(tag_ids))


def refuse_unknown_tags(field: str, tag_ids: Collection[uuid.UUID]) -> None:
    """Raises InvalidInput for a tag nobody made."""
    wanted = set(tag_ids)
    known = set(Tag.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    if unknown := wanted - known:
        message = _("There is no tag %(id)s.") % {"id": min(unknown)}
        raise InvalidInput(field, message, "does_not_exist")


def change_tags(lead: Lead, *, add: Collection[uuid.UUID], remove: Collection[uuid.UUID]) -> None:
    """Put tags on the lead and take others off, whichever of them it has."""
    rows = LeadTag.objects.filter(lead=lead)
    had = set(rows.filter(tag_id__in={*add, *remove}).values_list("tag_id", flat=True))
    # Row by row where it matters: each is one entry of the lead's history.
    if leaving := had & set(remove):
        rows.filter(tag_id__in=leaving).delete()
    for tag_id in sorted(set(add) - had):
        LeadTag.objects.create(lead=lead, tag_id=tag_id)


def add_contact(lead: Lead, contact: Contact, *, is_primary: bool = False) -> LeadContact:
    """Link a contact. Raises Conflict when it is linked already."""
    if LeadContact.objects.filter(lead=lead, contact=contact).exists():
        raise Conflict(_("The contact belongs to this lead already."), contact_id=str(contact.pk))
    if is_primary:
        _clear_primary(lead)
    return LeadContact.objects.create(lead=lead, contact=contact, is_primary=is_primary)


def mark_contact(link: LeadContact, *, is_primary: bool) -> None:
    """Make the contact the primary one, in place of whoever was, or no longer."""
    if link.is_primary == is_primary:
        return
    if is_primary:
        _clear_primary(link.lead)
    link.is_primary = is_primary
    link.save(update_fields=["is_primary"])


def _clear_primary(lead: Lead) -> None:
    for link in LeadContact.objects.filter(lead=lead, is_primary=True):
        link.is_primary = False
        link.save(update_fields=["is_primary"])
