"""Entity tags that know which fields changed: one short hash per field, in order."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.utils.http import parse_etags
from rest_framework.utils.encoders import JSONEncoder

WIDTH = 4  # characters per field, 24 bits


def entity_tag(row: Mapping[str, Any], *, partial: bool = False) -> str:
    """The tag of a rendered row. A partial one (sparse answer) is weak: good for 304 only."""
    tag = '"' + "".join(_hash(name, value) for name, value in row.items()) + '"'
    return f"W/{tag}" if partial else tag


def _hash(name: str, value: Any) -> str:
    text = json.dumps([name, value], cls=JSONEncoder, sort_keys=True)
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:3]).decode()


def is_unchanged(header: str, tag: str) -> bool:
    """Whether If-None-Match names this tag (weak comparison)."""
    seen = parse_etags(header)
    return "*" in seen or tag.removeprefix("W/") in {one.removeprefix("W/") for one in seen}


def differing_fields(header: str, row: Mapping[str, Any]) -> list[str] | None:
    """What differs between the row the caller saw (If-Match) and this one; None: nothing.

    An empty list: the tag is not one of ours for this kind of row.
    """
    tag = entity_tag(row)
    seen = parse_etags(header)
    if "*" in seen or tag in seen:
        return None
    old = next((one for one in seen if len(one) == len(tag) and one.startswith('"')), None)
    if old is None:
        return []
    places = range(1, len(tag) - 1, WIDTH)
    return [
        name
        for name, place in zip(row, places, strict=True)
        if old[place : place + WIDTH] != tag[place : place + WIDTH]
    ]
