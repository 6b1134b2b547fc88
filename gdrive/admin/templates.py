"""Folder templates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from gdrive import catalogue, placeholders, templating, versions
from gdrive.admin.nodes import NodeInline, outline
from gdrive.admin.template_verbs import TemplateVerbsAdmin
from gdrive.models import DriveStructureTemplate
from pipedesk.core.pages import NOTHING

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
class TemplateAdmin(TemplateVerbsAdmin):
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
                    "New records get these folders; existing folders change only by a plan. "
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
        templating.lock()
        if change:
            form.said_before = versions.keep(DriveStructureTemplate.objects.get(pk=obj.pk))
        templating.settle_active(obj)
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Store the folders; what says something new is a new version."""
        super().save_related(request, form, formsets, change)
        user: Any = request.user
        if change:
            versions.count(form.instance, form.said_before, user)
        else:
            versions.keep(form.instance, user)

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
        listed = ((one.typed, one.meaning, one.example) for one in catalogue.of(obj.entity_type))
        rows = format_html_join("", "<li><code>{}</code> {}: {}</li>", listed)
        hint = gettext("A value that is missing shows as “%(empty)s”.")
        return format_html("<ul>{}</ul>{}", rows, hint % {"empty": placeholders.EMPTY})
