"""Folder templates as documents that another installation reads."""

from __future__ import annotations

from typing import Any, Final

from django.utils.http import content_disposition_header
from django.utils.text import slugify

from gdrive import templating, versions
from gdrive.models import DriveStructureTemplate
from pipedesk.accounts.models import User

FORMAT: Final = "pipedesk.folder-template"
FORMAT_VERSION: Final = 1


def export(template: DriveStructureTemplate) -> dict[str, Any]:
    """The document of a template: `{format, format_version, name, entity_type, nodes}`.

    A folder is `{name, children}`; their sequence is their order. Ids stay at home.
    """
    said = versions.document(template)
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "name": said["name"],
        "entity_type": template.entity_type,
        "nodes": templating.without_ids(said["nodes"]),
    }


def disposition(template: DriveStructureTemplate) -> str:
    """The header that has a browser save the document under the template's name."""
    name = slugify(template.name) or template.entity_type
    return content_disposition_header(True, f"{name}.folder-template.json") or ""


def read(values: dict[str, Any], by: User | None) -> DriveStructureTemplate:
    """Store a checked document as a new template, active only where it says `active`.

    The first template of its kind is active in any case. Inside the caller's transaction.
    """
    template = DriveStructureTemplate(
        name=values["name"],
        entity_type=values["entity_type"],
        active=values.get("active", False),
    )
    templating.add(template, values["nodes"], by)
    return template
