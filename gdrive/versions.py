"""Versions of folder templates: what each said, who wrote it, and going back to one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models.functions import Now

from gdrive.models import (
    DriveStructureNode,
    DriveStructureTemplate,
    DriveStructureTemplateVersion,
)
from pipedesk.accounts.models import User


def nested(rows: Iterable[DriveStructureNode]) -> list[dict[str, Any]]:
    """The folders of a template, given in their order, as a nested list."""
    children: dict[int | None, list[DriveStructureNode]] = {}
    for row in rows:
        children.setdefault(row.parent_id, []).append(row)

    def level(parent_id: int | None) -> list[dict[str, Any]]:
        return [
            {"id": row.pk, "name": row.name, "order": row.order, "children": level(row.pk)}
            for row in children.get(parent_id, [])
        ]

    return level(None)


def document(template: DriveStructureTemplate) -> dict[str, Any]:
    """The template as it is stored now."""
    name = DriveStructureTemplate.objects.values_list("name", flat=True).get(pk=template.pk)
    return {"name": name, "nodes": nested(DriveStructureNode.objects.filter(template=template))}


def keep(template: DriveStructureTemplate, by: User | None = None) -> dict[str, Any]:
    """Write down what the stored version says, unless somebody did; returns that.

    `by` wrote this version. Inside the transaction of the edit.
    """
    said = document(template)
    row = DriveStructureTemplateVersion(
        template=template, version=template.version, document=said, edited_by=by
    )
    DriveStructureTemplateVersion.objects.bulk_create([row], ignore_conflicts=True)
    return said


def count(template: DriveStructureTemplate, before: dict[str, Any], by: User | None) -> bool:
    """Make another version of a template that was edited; whether it says something new.

    `before` is what `keep` returned before the edit, in the same transaction.
    """
    if document(template) == before:
        return False
    template.version += 1
    DriveStructureTemplate.objects.filter(pk=template.pk).update(
        version=template.version, edited_at=Now()
    )
    keep(template, by)
    return True
