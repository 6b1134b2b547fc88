"""Folder templates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
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


@admin.register(DriveStructureTemplate)
class TemplateAdmin(BaseAdmin):
    """The folders new records get. Folders that exist in Drive are not touched by an edit."""

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
