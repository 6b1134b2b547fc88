"""What the folders of a template must obey, wherever they come from: form, API, import. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext as _

from gdrive.placeholders import half_typed, safe_name, unknown

MAX_NODES = 500
MAX_DEPTH = 20


def flat(nodes: list[dict[str, Any]], depth: int = 1) -> Iterator[tuple[dict[str, Any], int]]:
    """Each folder of the nested list with its depth, parents first."""
    for node in nodes:
        yield node, depth
        yield from flat(node.get("children", []), depth + 1)


def faults(nodes: list[dict[str, Any]], entity_type: str) -> list[str]:
    """What is wrong with these nested folders: too many, too deep, twins, bad placeholders."""
    every = list(flat(nodes))
    if fault := size_fault(len(every), max((depth for _node, depth in every), default=0)):
        return [fault]
    places = [nodes, *(node.get("children", []) for node, _depth in every)]
    named = (
        _("Two folders “%(name)s” in one place.") % {"name": name}
        for siblings in places
        for name in twins(node["name"] for node in siblings)
    )
    return [*named, *(f for node, _d in every for f in name_faults(node["name"], entity_type))]


def size_fault(count: int, depth: int) -> str:
    """Why there may not be so many folders, or so deep ones; empty when there may."""
    if count > MAX_NODES:
        return _("More than %(limit)d folders.") % {"limit": MAX_NODES}
    if depth > MAX_DEPTH:
        return _("Folders more than %(limit)d levels deep.") % {"limit": MAX_DEPTH}
    return ""


def twins(names: Iterable[str]) -> list[str]:
    """Names in one place that people cannot tell apart."""
    count = Counter(safe_name(name).casefold() for name in names)
    return [name for name, number in count.items() if number > 1]


def name_faults(name: str, entity_type: str) -> list[str]:
    """What is wrong with the placeholders of one name, each with the nearest right one."""
    return [
        *(_unknown(wrong, meant) for wrong, meant in unknown(name, entity_type)),
        *(
            _("“%(piece)s” is half a placeholder: write {{name}}, with two braces on each side.")
            % {"piece": piece[:100]}
            for piece in half_typed(name, entity_type)
        ),
    ]


def _unknown(wrong: str, meant: str | None) -> str:
    message = _("There is no placeholder “%(name)s” here.") % {"name": wrong[:100]}
    if meant is None:
        return message
    return _("%(message)s Did you mean “%(nearest)s”?") % {"message": message, "nearest": meant}
