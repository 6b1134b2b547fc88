"""Our marks on folders in Drive: which record and which place of its tree a folder is.

Marks are `appProperties`, which only our OAuth client sees. They find our folders whatever
people call them and wherever they put them; what a folder is, the journal decides.
https://developers.google.com/workspace/drive/api/guides/properties
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gdrive import client, query
from gdrive.models import DriveFolderNode
from gdrive.parsing import RemoteFile, parse_file
from pipedesk.core.chunks import chunks

ENTITIES_PER_LIST = 12  # an address stays under 2,048 characters
NO_MARKS: Mapping[str, None] = {"place": None, "entity_type": None, "entity_id": None}


@dataclass(frozen=True)
class Marked:
    """A folder with marks of ours; `entity_id` is empty for a place that belongs to no record."""

    file: RemoteFile
    place: str
    entity_type: str
    entity_id: str


def marks_of(node: DriveFolderNode) -> dict[str, str]:
    """The marks of a folder of ours."""
    marks = {"place": node.path_key}
    if node.tree is not None:
        marks |= {"entity_type": node.tree.entity_type, "entity_id": node.tree.entity_id}
    return marks


def mark(file_id: str, marks: Mapping[str, str | None]) -> RemoteFile:
    """Write marks on a folder; None takes one away. Other properties stay as they are.

    https://developers.google.com/workspace/drive/api/reference/rest/v3/files/update
    """
    return client.update_file(file_id, app_properties=marks)


def of_records(entity_ids: Collection[str], drive_id: str) -> Iterator[Marked]:
    """The folders marked as these records', trashed or not. A search may lag behind writes."""
    for ids in chunks(list(entity_ids), ENTITIES_PER_LIST):
        terms = (_has("entity_id", each) for each in ids)
        yield from _search(query.any_of(terms), drive_id)


def of_place(place: str, drive_id: str) -> Iterator[Marked]:
    """Every folder marked as this place, a page at a time."""
    return _search(_has("place", place), drive_id)


def _has(key: str, value: str) -> str:
    return f"appProperties has {{ key={query.quoted(key)} and value={query.quoted(value)} }}"


def _search(text: str, drive_id: str) -> Iterator[Marked]:
    fields = f"{client.FILE_FIELDS},appProperties"
    return map(_marked, client.find_files(text, drive_id, fields))


def _marked(resource: dict[str, Any]) -> Marked:
    marks = resource.get("appProperties", {})
    return Marked(
        parse_file(resource),
        marks.get("place", ""),
        marks.get("entity_type", ""),
        marks.get("entity_id", ""),
    )
