"""The contacts of a lead as rows of its form.

`lead_contacts` has a composite key, which Django's formsets cannot carry in a form: here a
row is known by its contact. The contact of a stored row does not change; another contact is
another row.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline

from crm.models import LeadContact

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db import models
    from django.http import HttpRequest


class ContactRow(forms.ModelForm):  # type: ignore[type-arg]
    """One contact; what concerns several rows is checked by the formset."""

    class Meta:
        model = LeadContact
        fields = ("contact", "is_primary")

    def _get_validation_exclusions(self) -> set[str]:
        # "One primary contact" holds for the rows as sent, not for each against the database:
        # the old primary one may give way in the same form.
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return {*excluded, "lead", "pk"}


class ContactRows(forms.BaseInlineFormSet):  # type: ignore[type-arg]
    """The rows: each contact once, one primary at most."""

    def _get_to_python(self, field: models.Field[Any, Any]) -> Callable[[str], tuple[Any, Any]]:
        def key(value: str) -> tuple[Any, Any]:
            try:
                return self.instance.pk, uuid.UUID(value)
            except ValueError as error:
                raise ValidationError(_("This is no contact.")) from error

        return key

    def add_fields(self, form: forms.ModelForm[Any], index: int | None) -> None:
        """Add the contact's id in place of the composite key, which no field can hold."""
        super().add_fields(form, index)
        stored = index is not None and index < self.initial_form_count()
        form.fields["pk"] = forms.UUIDField(
            required=False,
            widget=forms.HiddenInput,
            initial=form.instance.contact_id if stored else None,
        )
        form.fields["contact"].disabled = stored

    def clean(self) -> None:
        """Refuse a contact named twice, a second primary one, and rows that went meanwhile."""
        kept = [row for row in self.forms if self._is_kept(row)]
        if any(row in self.initial_forms and row.instance._state.adding for row in kept):  # noqa: SLF001
            raise ValidationError(
                _("A contact was taken off this lead meanwhile. Load the page again."), "gone"
            )
        contacts = [row.cleaned_data["contact"].pk for row in kept]
        if len(contacts) != len(set(contacts)):
            raise ValidationError(_("Name each contact once."), "twice")
        if sum(row.cleaned_data["is_primary"] for row in kept) > 1:
            raise ValidationError(_("Only one contact can be the primary one."), "primary")

    def _is_kept(self, row: forms.ModelForm[Any]) -> bool:
        if not row.is_valid() or row in self.deleted_forms:
            return False
        return bool(row.cleaned_data.get("contact"))


class ContactInline(TabularInline):
    """Contacts on the lead's form. Who may change the lead may change them."""

    model = LeadContact
    form = ContactRow
    formset = ContactRows
    fields = ("contact", "is_primary", "reach")
    readonly_fields = ("reach",)
    autocomplete_fields = ("contact",)
    extra = 0
    hide_title = True
    verbose_name = _("contact")
    verbose_name_plural = _("contacts")
    # The primary one first: saved first, it gives way before another row takes its place.
    ordering: ClassVar[tuple[str, ...]] = ("-is_primary", "added_at", "contact_id")

    def reach(self, row: LeadContact) -> str:
        """How to reach the contact."""
        known = row.contact if row.contact_id else None
        return " · ".join(filter(None, [known.role, known.email, known.phone])) if known else ""

    reach.short_description = _("role, e-mail, phone")  # type: ignore[attr-defined]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[LeadContact]:
        """Rows with their contacts."""
        rows: models.QuerySet[LeadContact] = super().get_queryset(request)
        return rows.select_related("contact")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As for the lead."""
        return bool(self._lead_admin.has_view_permission(request, obj))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As for changing the lead; on a new lead as for adding one."""
        if obj is None:
            return bool(self._lead_admin.has_add_permission(request))
        return bool(self._lead_admin.has_change_permission(request, obj))

    has_change_permission = has_add_permission
    has_delete_permission = has_add_permission

    @property
    def _lead_admin(self) -> Any:
        return self.admin_site.get_model_admin(self.parent_model)
