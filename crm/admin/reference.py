"""Statuses, origins and tags."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.validators import RegexValidator
from django.db.models import Count
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminColorInputWidget

from crm.models import LeadOrigin, LeadStatus, Tag
from pipedesk.core.pages import NOTHING, BaseAdmin

if TYPE_CHECKING:
    from django.db import models
    from django.http import HttpRequest

COLOR = re.compile(r"#[0-9a-fA-F]{6}")
SLATE = "#94a3b8"


def badge(text: str, color: str | None) -> str:
    """A label with a dot of its colour; anything but `#rrggbb` counts as grey."""
    shade = color if color and COLOR.fullmatch(color) else SLATE
    return format_html(
        '<span class="pd-badge"><span class="pd-dot" style="background:{}"></span>{}</span>',
        shade,
        text,
    )


class ColorForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form with a colour to pick."""

    color = forms.CharField(
        label=_("colour"),
        required=False,
        initial=SLATE,
        widget=UnfoldAdminColorInputWidget,
        validators=[RegexValidator(COLOR.pattern + "$", _("A colour looks like #3b82f6."))],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A colour field of the browser cannot be empty: it would show, and store, black.
        if "color" in self.fields and not self.initial.get("color"):
            self.initial["color"] = SLATE


class ReferenceAdmin(BaseAdmin):
    """A coded value that leads have. One in use cannot be deleted; it can be made inactive."""

    list_display: ClassVar[tuple[str, ...]] = (
        "label",
        "code",
        "is_active",
        "sort_order",
        "priority_weight",
        "lead_count",
    )
    list_editable = ("sort_order", "priority_weight")
    # Stated: grouping by the count makes the database forget the model's own order.
    ordering = ("sort_order", "label", "id")
    search_fields = ("label", "code")
    fields: ClassVar[tuple[str, ...]] = (
        "label",
        "code",
        "description",
        "is_active",
        "sort_order",
        "priority_weight",
    )

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """Values with how many leads have each."""
        return super().get_queryset(request).annotate(uses=Count("leads"))  # type: ignore[no-any-return]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Clients and rules know values by their code: it stays."""
        return ("code",) if obj is not None else ()

    @admin.display(description=_("leads"), ordering="uses")
    def lead_count(self, obj: Any) -> int:
        """How many leads have it."""
        return int(obj.uses)


@admin.register(LeadStatus)
class LeadStatusAdmin(ReferenceAdmin):
    """Statuses of leads."""

    form = ColorForm
    list_display = ("shown", *ReferenceAdmin.list_display[1:])
    list_display_links = ("shown",)
    fields = (*ReferenceAdmin.fields, "color")

    @display(description=_("label"), ordering="label")
    def shown(self, obj: LeadStatus) -> str:
        """The label in its colour."""
        return badge(obj.label, obj.color)


@admin.register(LeadOrigin)
class LeadOriginAdmin(ReferenceAdmin):
    """Origins of leads."""


@admin.register(Tag)
class TagAdmin(BaseAdmin):
    """Tags."""

    form = ColorForm
    list_display = ("shown", "lead_count")
    fields = ("name", "color")
    ordering = ("name", "id")
    search_fields = ("name",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Tag]:
        """Tags with how many leads carry each."""
        return super().get_queryset(request).annotate(uses=Count("leads"))  # type: ignore[no-any-return]

    @display(description=_("name"), ordering="name")
    def shown(self, obj: Tag) -> str:
        """The name in its colour."""
        return badge(obj.name, obj.color) or NOTHING

    @admin.display(description=_("leads"), ordering="uses")
    def lead_count(self, obj: Any) -> int:
        """How many leads carry it."""
        return int(obj.uses)
