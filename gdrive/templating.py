"""Editing folder templates: one active per kind of record, rows that keep their identity.

Every edit, by API or admin, runs in one transaction that begins with `lock` and keeps what the
template said before (gdrive.versions).
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from gdrive import versions
from gdrive.models import DriveStructureNode, DriveStructureTemplate
from gdrive.template_rules import flat
from pipedesk.accounts.models import User
from pipedesk.core.exceptions import Conflict, InvalidInput

MAX_NAME_LENGTH = 200


def lock() -> None:
    """Let nobody else edit a template until this transaction ends.

    Templates are few and seldom edited: one editor at a time costs nothing, and of two who
    each make another template the active one the later wins, as if they had come in turn.
    """
    list(DriveStructureTemplate.objects.order_by("pk").select_for_update(no_key=True))


def add(
    template: DriveStructureTemplate, nodes: list[dict[str, Any]], by: User | None = None
) -> None:
    """Save a new template with its folders, inside the caller's transaction.

    Making it the active one retires the other; the first of its kind is active.
    """
    kind = DriveStructureTemplate.objects.active_for(template.entity_type)
    template.active = template.active or not kind.exists()
    settle_active(template)
    template.save()
    _check_identity(template, nodes)
    _store_level(template, None, nodes)
    versions.keep(template, by)


def change(template: DriveStructureTemplate, values: dict[str, Any], by: User | None) -> None:
    """Give a template other values: `name`, `active`, `nodes` (nested), each if it is there.

    What says nothing new makes no version; neither does who is active.

    Raises InvalidInput when the kind would be left without an active template, or for folders
    that are not the template's.
    """
    before = versions.keep(template)
    template.name = values.get("name", template.name)
    template.active = values.get("active", template.active)
    settle_active(template)
    template.save()
    if "nodes" in values:
        _check_identity(template, values["nodes"])
        _store_nodes(template, values["nodes"])
    versions.count(template, before, by)


def restore(template: DriveStructureTemplate, said: dict[str, Any], by: User | None) -> None:
    """Give a template the folders of one of its versions again, as its next version.

    A folder removed since comes back under its own id, so that it is once more the one that
    records have. The name and who is active stay.
    """
    before = versions.keep(template)
    _store_nodes(template, said["nodes"])
    versions.count(template, before, by)


def clone(
    template: DriveStructureTemplate, name: str = "", by: User | None = None
) -> DriveStructureTemplate:
    """Another template with the same folders, not active."""
    copy = DriveStructureTemplate(
        name=name or _free_name(template.name), entity_type=template.entity_type, active=False
    )
    add(copy, without_ids(versions.document(template)["nodes"]), by)
    return copy


def without_ids(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same nested folders as new ones; their sequence is their order."""
    return [
        {"name": node["name"], "children": without_ids(node.get("children", []))} for node in nodes
    ]


def remove(template: DriveStructureTemplate) -> None:
    """Delete a template. Folders that grew from it stay.

    Raises Conflict for the active one.
    """
    if template.active:
        raise Conflict(_("This template is in use: make another one active first."))
    template.delete()


def settle_active(template: DriveStructureTemplate) -> None:
    """Retire the other template of this kind, if this one is to be active.

    Raises InvalidInput when the kind would be left without an active template.
    """
    others = DriveStructureTemplate.objects.active_for(template.entity_type)
    others = others.exclude(pk=template.pk)
    if template.active:
        others.update(active=False)
    elif not others.exists():
        message = _("One template of each kind is active: make another one active instead.")
        raise InvalidInput("active", message)


def _free_name(name: str) -> str:
    taken = set(DriveStructureTemplate.objects.values_list("name", flat=True))
    wanted = _("Copy of %(name)s") % {"name": name}
    number, free = 1, wanted[:MAX_NAME_LENGTH]
    while free in taken:
        number += 1
        mark = f" ({number})"
        free = wanted[: MAX_NAME_LENGTH - len(mark)] + mark
    return free


def _check_identity(template: DriveStructureTemplate, nodes: list[dict[str, Any]]) -> None:
    given = [node["id"] for node, _depth in flat(nodes) if "id" in node]
    foreign = set(given) - set(template.nodes.values_list("pk", flat=True))
    if foreign:
        raise InvalidInput("nodes", _("There is no folder %(id)d here.") % {"id": min(foreign)})
    if len(set(given)) < len(given):
        raise InvalidInput("nodes", _("A folder is given twice."))


def _store_nodes(template: DriveStructureTemplate, nodes: list[dict[str, Any]]) -> None:
    kept = {node["id"] for node, _depth in flat(nodes) if "id" in node}
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
