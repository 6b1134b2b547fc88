"""The lead's form: its own columns and its tags."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelectMultiple
from django.utils.translation import gettext_lazy as _
from unfold.widgets import SELECT_CLASSES, UnfoldAdminRelatedFieldWrapperWidget

from crm.admin.priority_fields import PriorityForm
from crm.models import Lead, Tag

TAGS = Lead._meta.get_field("tags")  # noqa: SLF001  (Django's documented attribute)


def tag_field() -> forms.ModelMultipleChoiceField[Tag]:
    """Tags to choose by typing; a fresh field, because its widget is told what the user may."""
    search = AutocompleteSelectMultiple(TAGS, admin.site, attrs={"class": " ".join(SELECT_CLASSES)})
    return forms.ModelMultipleChoiceField(
        Tag.objects.all(),
        required=False,
        label=_("Tags"),
        widget=UnfoldAdminRelatedFieldWrapperWidget(search, TAGS.remote_field, admin.site),
    )


class LeadForm(PriorityForm):
    """A lead with its tags.

    `tags` itself cannot be a field of an admin form, because its table is a model of its own;
    `tag_list` stands for it.
    """

    tag_list = tag_field()

    class Meta:
        model = Lead
        fields = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "tag_list" in self.fields and self.instance.pk:
            self.initial["tag_list"] = list(self.instance.tags.all())
        for name in ("lead_status", "lead_origin"):
            if name in self.fields:
                self._offer_active(name)

    def _offer_active(self, name: str) -> None:
        """Offer values in use; the lead keeps the one it has."""
        choice = self.fields[name]
        current = getattr(self.instance, f"{name}_id")
        values = choice.queryset  # type: ignore[attr-defined]
        choice.queryset = values.filter(is_active=True) | values.filter(pk=current)  # type: ignore[attr-defined]
