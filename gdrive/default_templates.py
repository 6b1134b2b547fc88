"""The folder templates a new installation starts with (gdrive/reference.json)."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.apps.registry import Apps
from django.db import transaction
from django.db.models import F

from gdrive import versions
from gdrive.models import DriveStructureNode, DriveStructureTemplate
from gdrive.placeholders import REFERENCE


def missing() -> list[str]:
    """Names of the default templates whose kind of record has no template at all."""
    present = set(DriveStructureTemplate.objects.values_list("entity_type", flat=True))
    return [
        name
        for name, template in REFERENCE["folder_templates"].items()
        if template["entity_type"] not in present
    ]


def ensure_templates() -> list[str]:
    """Make the default templates that are missing; returns their names.

    A template that is there, edited or not, renamed or not, is never touched.
    """
    with transaction.atomic():
        names = missing()
        for name in names:
            default = REFERENCE["folder_templates"][name]
            template = DriveStructureTemplate(name=name, entity_type=default["entity_type"])
            # Another process may have been faster: its template stays, ours is not made.
            DriveStructureTemplate.objects.bulk_create([template], ignore_conflicts=True)
            stored = DriveStructureTemplate.objects.select_for_update().filter(name=name).first()
            if stored is not None and not stored.nodes.exists():
                _add_nodes(stored, None, default["nodes"])
        for template in DriveStructureTemplate.objects.exclude(versions__version=F("version")):
            versions.keep(template)  # an edit from before versions were kept
    return names


def after_migrate(apps: Apps = apps, **_kwargs: Any) -> None:
    """Make them after each migrate, and each flush, unless the tables were just taken away."""
    if "drivestructuretemplate" in apps.all_models["gdrive"]:
        ensure_templates()


def _add_nodes(
    template: DriveStructureTemplate,
    parent: DriveStructureNode | None,
    entries: list[str | dict[str, Any]],
) -> None:
    """A folder is its name, or {name: folders inside}."""
    for order, entry in enumerate(entries, start=1):
        name, inside = (entry, []) if isinstance(entry, str) else next(iter(entry.items()))
        node = DriveStructureNode.objects.create(
            template=template, parent=parent, name=name, order=order
        )
        _add_nodes(template, node, inside)
