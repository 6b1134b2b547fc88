"""Folder templates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, F
from django.db.models.functions import Now
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from gdrive import placeholders
from gdrive.admin.nodes import NodeInline, outline
from gdrive.models import DriveStructureTemplate
from pipedesk.core.pages import NOTHING, BaseAdmin

if TYPE_CHECKING:
    from django.db import models
    from django.http import HttpRequest


class TemplateForm(forms.ModelForm):  # type: ignore[type-arg]
    """A template; of each kind exactly one is active."""

    def _get_validation_exclusions(self) -> set[str]:
        # Making one active retires the other, as in the API: no reason to refuse it.
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return {*excluded, "entity_type"}

    def clean_active(self) -> bool:
        """Refuse to leave a kind of record without an active template."""
        active = bool(self.cleaned_data["active"])
        kind = self.cleaned_data.get("entity_type") or self.instance.entity_type
        others = DriveStructureTemplate.objects.active_for(kind).exclude(pk=self.instance.pk)
        if kind and not active and not others.exists():
            raise ValidationError(
                _("One template of each kind is active: make another one active instead.")
            )
        return active


@admin.register(DriveStructureTemplate)
class TemplateAdmin(BaseAdmin):
    """The folders new records get. Folders that exist in Drive are not touched by an edit."""

    form = TemplateForm
    list_display = ("name", "entity_type", "active", "folder_count", "version", "edited_at")
    list_filter = ("entity_type", "active")
    search_fields = ("name",)
    ordering = ("entity_type", "name", "id")
    inlines = (NodeInline,)
    fieldsets = (
        (
            None,
            {
                "fields": (("name", "entity_type"), "active", "known_placeholders"),
                "description": _(
                    "New records get these folders; folders that exist already stay as they are. "
                    "To put a folder into a new one, save the new one first."
                ),
            },
        ),
        (_("As it will look"), {"fields": ("preview", ("version", "edited_at"))}),
    )
    readonly_fields = ("known_placeholders", "preview", "version", "edited_at")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """Templates with their number of folders."""
        return super().get_queryset(request).annotate(folders=Count("nodes"))  # type: ignore[no-any-return]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """The kind of record stays: placeholders depend on it."""
        return self.readonly_fields if obj is None else (*self.readonly_fields, "entity_type")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The active one is in use."""
        if obj is not None and obj.active:
            return False
        return bool(super().has_delete_permission(request, obj))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Store the template; making it the active one retires the other."""
        if obj.active:
            others = DriveStructureTemplate.objects.active_for(obj.entity_type)
            others.exclude(pk=obj.pk).update(active=False)
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Store the folders; any change makes a new version."""
        super().save_related(request, form, formsets, change)
        if form.has_changed() or any(formset.has_changed() for formset in formsets):
            DriveStructureTemplate.objects.filter(pk=form.instance.pk).update(
                version=F("version") + (1 if change else 0), edited_at=Now()
            )

    @admin.display(description=_("folders"), ordering="folders")
    def folder_count(self, obj: Any) -> int:
        """How many folders it makes."""
        return int(obj.folders)

    @admin.display(description=_("folders"))
    def preview(self, obj: DriveStructureTemplate) -> str:
        """The folders as an indented tree."""
        return (outline(obj.nodes.all()) if obj.pk else "") or NOTHING

    @admin.display(description=_("placeholders"))
    def known_placeholders(self, obj: DriveStructureTemplate) -> str:
        """What names may contain."""
        if obj.entity_type not in placeholders.CATALOGUE:
            return gettext("Shown once the kind of record is saved.")
        names = sorted(placeholders.CATALOGUE[obj.entity_type])
        return format_html_join(
            " ", "{}", ((format_html("<code>{}</code>", f"{{{{{name}}}}}"),) for name in names)
        )
