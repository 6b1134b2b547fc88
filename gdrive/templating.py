"""Editing folder templates: one active per kind of record, rows that keep their identity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from gdrive.models import DriveStructureNode, DriveStructureTemplate
from pipedesk.core.exceptions import Conflict, InvalidInput

MAX_NODES = 500


def add(template: DriveStructureTemplate, nodes: list[dict[str, Any]]) -> None:
    """Save a new template with its folders, inside the caller's transaction.

    Making it the active one retires the other.

    Raises InvalidInput when the kind would be left without an active template.
    """
    _settle_active(template)
    template.save()
    _store_nodes(template, nodes)


def change(template: DriveStructureTemplate, nodes: list[dict[str, Any]] | None) -> None:
    """Save the next version of a template; None leaves the folders as they are. Else as `add`."""
    _settle_active(template)
    template.version += 1
    template.edited_at = timezone.now()
    template.save()
    if nodes is not None:
        _store_nodes(template, nodes)


def remove(template: DriveStructureTemplate) -> None:
    """Delete a template. Folders that grew from it stay.

    Raises Conflict for the active one.
    """
    if template.active:
        raise Conflict(_("This template is in use: make another one active first."))
    template.delete()


def _settle_active(template: DriveStructureTemplate) -> None:
    others = DriveStructureTemplate.objects.active_for(template.entity_type)
    others = others.exclude(pk=template.pk)
    if template.active:
        others.update(active=False)
    elif not others.exists():
        message = _("One template of each kind is active: make another one active instead.")
        raise InvalidInput("active", message)


def _store_nodes(template: DriveStructureTemplate, nodes: list[dict[str, Any]]) -> None:
    kept = {node["id"] for node, _depth in flat(nodes) if "id" in node}
    known = set(template.nodes.values_list("pk", flat=True))
    if kept - known:
        raise InvalidInput(
            "nodes", _("There is no folder %(id)d here.") % {"id": min(kept - known)}
        )
    if len(kept) < sum("id" in node for node, _depth in flat(nodes)):
        raise InvalidInput("nodes", _("A folder is given twice."))
    # Moved ones must not go down with a parent that is deleted.
    template.nodes.update(parent=None)
    template.nodes.exclude(pk__in=kept).delete()
    _store_level(template, None, nodes)


def _store_level(
    template: DriveStructureTemplate,
    parent: DriveStructureNode | None,
    nodes: list[dict[str, Any]],
) -> None:
    for order, node in enumerate(nodes, start=1):
        row = DriveStructureNode(
            pk=node.get("id"),
            template=template,
            parent=parent,
            name=node["name"],
            order=node.get("order", order),
        )
        row.save()
        _store_level(template, row, node.get("children", []))


def flat(nodes: list[dict[str, Any]], depth: int = 1) -> Iterator[tuple[dict[str, Any], int]]:
    """Each folder of the nested list with its depth, parents first."""
    for node in nodes:
        yield node, depth
        yield from flat(node.get("children", []), depth + 1)


def nested(template: DriveStructureTemplate) -> list[dict[str, Any]]:
    """The folders as a nested list, in order; one query, or none when they were prefetched."""
    children: dict[int | None, list[DriveStructureNode]] = {}
    for row in template.nodes.all():
        children.setdefault(row.parent_id, []).append(row)

    def level(parent_id: int | None) -> list[dict[str, Any]]:
        return [
            {"id": row.pk, "name": row.name, "order": row.order, "children": level(row.pk)}
            for row in children.get(parent_id, [])
        ]

    return level(None)
