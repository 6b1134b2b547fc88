"""A template as one record's folders would look; nothing is written and Google is not asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from gdrive import catalogue, layout, placeholders, samples
from gdrive.entities import Entity
from gdrive.template_rules import twins

Shown = dict[str, Any]


def preview(entity_type: str, nodes: list[dict[str, Any]], entity: Entity | None) -> Shown:
    """`{entity, root, flags}`: the nested folders under the names they get, with what to know.

    Each folder is `{name, pattern, flags: [{code, message}], children}`; codes are `cut`,
    `missing` (values shown as a dash) and `twins` (same names in one place). Without a record
    the examples of the catalogue are shown. The day is today's.
    """
    values = entity.placeholders(timezone.localdate()) if entity else None
    values = values or catalogue.examples(entity_type)
    root = {"name": layout.ROOT_PATTERNS[entity_type], "children": nodes}
    shown = _shown(root, values)
    return {"entity": _named(entity), "root": shown, "flags": dict(_count(shown))}


def sample(entity_type: str, kind: str) -> Entity | None:
    """The record for `longest` or `emptiest`."""
    return samples.find(entity_type, kind)


def _named(entity: Entity | None) -> dict[str, str] | None:
    if entity is None:
        return None
    return {
        "entity_type": entity.entity_type,
        "entity_id": entity.entity_id,
        "name": entity.values["entity_name"],
    }


def _shown(node: Mapping[str, Any], values: Mapping[str, str]) -> Shown:
    children = [_shown(child, values) for child in node.get("children", [])]
    double = set(twins(child["name"] for child in children))
    for child in children:
        if placeholders.safe_name(child["name"]).casefold() in double:
            child["flags"].append({"code": "twins", "message": _("another folder has this name")})
    name = placeholders.render(node["name"], values)
    flags = []
    if missing := placeholders.missing(node["name"], values):
        message = _("no value: %(names)s") % {"names": ", ".join(missing)}
        flags.append({"code": "missing", "message": message})
    if placeholders.is_cut(node["name"], values):
        limit = placeholders.MAX_NAME_LENGTH
        message = _("longer than %(limit)d characters: cut") % {"limit": limit}
        flags.append({"code": "cut", "message": message})
    return {"name": name, "pattern": node["name"], "flags": flags, "children": children}


def _count(node: Shown) -> Counter[str]:
    total = Counter(flag["code"] for flag in node["flags"])
    for child in node["children"]:
        total += _count(child)
    return total
