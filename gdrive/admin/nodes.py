"""The folders of a template as rows of its form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.forms import PaginationInlineFormSet

from gdrive import placeholders, template_rules
from gdrive.models import DriveStructureNode, DriveStructureTemplate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.http import HttpRequest

INDENT = "\u2003"


def walk(nodes: Iterable[DriveStructureNode]) -> Iterator[tuple[int, DriveStructureNode]]:
    """Depth and node, each folder before those inside it, siblings in their order."""
    inside: dict[int | None, list[DriveStructureNode]] = {}
    for node in sorted(nodes, key=lambda node: (node.order, node.pk)):
        inside.setdefault(node.parent_id, []).append(node)

    def below(parent: int | None, depth: int) -> Iterator[tuple[int, DriveStructureNode]]:
        for node in inside.get(parent, ()):
            yield depth, node
            yield from below(node.pk, depth + 1)

    return below(None, 0)


def outline(nodes: Iterable[DriveStructureNode]) -> str:
    """The folders as nested lists."""
    inside: dict[int | None, list[DriveStructureNode]] = {}
    for _depth, node in walk(nodes):
        inside.setdefault(node.parent_id, []).append(node)

    def listed(parent: int | None) -> str:
        if parent not in inside:
            return ""
        folder = (
            '<li><span class="material-symbols-outlined" aria-hidden="true">folder</span>{}{}</li>'
        )
        rows = ((node.name, listed(node.pk)) for node in inside[parent])
        return format_html('<ul class="pd-tree">{}</ul>', format_html_join("", folder, rows))

    return listed(None)


class NodeRows(PaginationInlineFormSet):
    """The rows: a tree without circles, siblings of different names, known placeholders."""

    def get_queryset(self) -> list[DriveStructureNode]:
        """The stored folders as a person reads them, each below the one it lies in."""
        return self._read_nodes

    @cached_property
    def _read_nodes(self) -> list[DriveStructureNode]:
        return [node for _depth, node in walk(super().get_queryset())]

    @cached_property
    def _places(self) -> list[tuple[Any, str]]:
        indented = [(node.pk, INDENT * depth + node.name) for depth, node in walk(self._read_nodes)]
        return [("", gettext("(directly in the record's folder)")), *indented]

    def add_fields(self, form: forms.ModelForm[Any], index: int | None) -> None:
        """Offer the folders of this template as places, read once for all rows."""
        super().add_fields(form, index)
        place = form.fields["parent"]
        place.queryset = DriveStructureNode.objects.filter(  # type: ignore[attr-defined]
            template_id=self.instance.pk
        )
        place.choices = self._places  # type: ignore[attr-defined]

    def clean(self) -> None:
        """Check what concerns several rows."""
        super().clean()
        for row in self.forms:
            self._lint(row)
        if any(row.errors for row in self.forms):
            return
        kept = [row for row in self.forms if row.has_changed() or row.instance.pk]
        kept = [row for row in kept if row not in self.deleted_forms]
        self._refuse_circles(kept)
        places: dict[int | None, list[str]] = {}
        for row in kept:
            places.setdefault(row.instance.parent_id, []).append(row.cleaned_data["name"])
        if any(template_rules.twins(names) for names in places.values()):
            raise ValidationError(_("Two folders in one place have the same name."), "same_name")
        if fault := template_rules.size_fault(len(kept), self._depth(kept)):
            raise ValidationError(fault, "size")

    def _lint(self, row: forms.ModelForm[Any]) -> None:
        name = getattr(row, "cleaned_data", {}).get("name")
        if not name or self.instance.entity_type not in placeholders.CATALOGUE:
            return
        for fault in template_rules.name_faults(name, self.instance.entity_type):
            row.add_error("name", fault)

    @staticmethod
    def _depth(kept: list[forms.ModelForm[Any]]) -> int:
        """How many folders deep the deepest lies; there are no circles."""
        above = {row.instance.pk: row.instance.parent_id for row in kept if row.instance.pk}
        depths: dict[int | None, int] = {None: 0}
        for row in kept:
            way, place = [], row.instance.parent_id
            while place not in depths:
                way.append(place)
                place = above.get(place)
            for number, passed in enumerate(reversed(way), start=1):
                depths[passed] = depths[place] + number
        return 1 + max((depths[row.instance.parent_id] for row in kept), default=-1)

    def _refuse_circles(self, kept: list[forms.ModelForm[Any]]) -> None:
        above = {row.instance.pk: row.instance.parent_id for row in kept if row.instance.pk}
        going = {row.instance.pk for row in self.deleted_forms}
        for row in kept:
            seen, place = {row.instance.pk}, row.instance.parent_id
            while place is not None:
                if place in going:
                    raise ValidationError(
                        _("“%(name)s” lies in a folder that is being removed.")
                        % {"name": row.instance.name},
                        "orphan",
                    )
                if place in seen:
                    raise ValidationError(
                        _("“%(name)s” would lie inside itself.") % {"name": row.instance.name},
                        "circle",
                    )
                seen.add(place)
                place = above.get(place)

    def save_new(self, form: forms.ModelForm[Any], commit: bool = True) -> Any:
        """A folder nobody gave a position comes last."""
        if "order" not in form.changed_data:
            form.instance.order = max((node.order for node in self._read_nodes), default=0) + 1
        return super().save_new(form, commit=commit)


class NodeInline(TabularInline):
    """Folders on the template's form, to be dragged into order."""

    model = DriveStructureNode
    formset = NodeRows
    fk_name = "template"
    fields = ("name", "parent", "order")
    ordering_field = "order"
    hide_ordering_field = True
    hide_title = True
    extra = 0
    verbose_name = _("folder")
    verbose_name_plural = _("folders")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As for the template."""
        return bool(self._template_admin.has_view_permission(request, obj))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As for changing the template."""
        if obj is None:
            return bool(self._template_admin.has_add_permission(request))
        return bool(self._template_admin.has_change_permission(request, obj))

    has_change_permission = has_add_permission
    has_delete_permission = has_add_permission

    @property
    def _template_admin(self) -> Any:
        return self.admin_site.get_model_admin(DriveStructureTemplate)
