"""What is in Drive, read from the sandbox's own memory: plain values, none of our code.

This is what the mirror and the journal of folders are compared with once the dust has settled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pipedesk.sandbox.google import Google

FOLDER = "application/vnd.google-apps.folder"


@dataclass(frozen=True)
class PlainFile:
    """A file as a person sees it. `size` as Drive writes it, None for folders and documents."""

    name: str
    parent_id: str
    is_trashed: bool
    size: str | None
    drive_id: str


class PlainDrive:
    """Everything that is in all drives, trash included."""

    def __init__(self, google: Google) -> None:
        with google.store.transaction():
            rows: list[dict[str, Any]] = list(google.store.table("files").values())
        self.ever = {row["id"] for row in rows}
        self.rows = {row["id"]: row for row in rows if not row["removed"]}

    def parent(self, file_id: str) -> str:
        """Where it lies; empty for the top of a drive."""
        return next(iter(self.rows[file_id]["body"]["parents"]), "")

    def way_up(self, file_id: str) -> list[str]:
        """The file and the folders above it."""
        way = [file_id]
        while (above := self.parent(way[-1])) and above in self.rows:
            way.append(above)
        return way

    def movable(self) -> list[str]:
        """Everything but the tops of drives, in the order it was made."""
        return [file_id for file_id in self.rows if self.parent(file_id)]

    def folders(self) -> list[str]:
        """Every folder, the tops of drives included."""
        return [key for key, row in self.rows.items() if row["body"]["mimeType"] == FOLDER]

    def below(self, root_ids: Iterable[str]) -> dict[str, PlainFile]:
        """These folders, as far as they are there, and everything below them."""
        roots = set(root_ids)
        found = {}
        for file_id, row in self.rows.items():
            way = self.way_up(file_id)
            if roots & set(way):
                found[file_id] = PlainFile(
                    name=row["body"]["name"],
                    parent_id=self.parent(file_id),
                    is_trashed=any(self.rows[each]["trashed"] for each in way),
                    size=row["body"].get("size"),
                    drive_id=row["drive"],
                )
        return found

    def twins(self) -> list[tuple[str, ...]]:
        """Marks of ours that more than one folder bears."""
        marks = Counter(
            (marks["place"], marks.get("entity_type", ""), marks.get("entity_id", ""))
            for row in self.rows.values()
            if "place" in (marks := row["body"].get("appProperties", {}))
        )
        return [mark for mark, count in marks.items() if count > 1]

    def was_deleted(self, file_id: str) -> bool:
        """Whether it was there, and somebody deleted it for good."""
        return file_id in self.ever and file_id not in self.rows
