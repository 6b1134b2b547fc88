"""``files.list``: finds files by query, a page at a time, from an index where there is one.

https://developers.google.com/workspace/drive/api/guides/search-files
"""

from collections.abc import Iterable, Iterator
from heapq import merge
from typing import Any

from pipedesk.sandbox.clock import parse_rfc3339
from pipedesk.sandbox.drive.drives import Drives
from pipedesk.sandbox.drive.files import Files
from pipedesk.sandbox.drive.query import Both, Comparison, Membership, Node, Property, parse
from pipedesk.sandbox.errors import Json, bad_request, invalid_value

SORT_KEYS = frozenset(
    {
        "createdTime",
        "folder",
        "modifiedByMeTime",
        "modifiedTime",
        "name",
        "name_natural",
        "quotaBytesUsed",
        "recency",
        "sharedWithMeTime",
        "starred",
        "viewedByMeTime",
    }
)

Parameters = dict[str, Any]


class FileSubject:
    """A file as a query sees it."""

    def __init__(self, files: Files, row: Json, user: str) -> None:
        self._files = files
        self._row = row
        self._user = user

    def value(self, name: str) -> Any:
        """A field's value; times as moments."""
        if name == "trashed":
            return self._files.is_trashed(self._row)
        if name == "starred":
            return self._row["body"].get("starred", False)
        if name == "sharedWithMe":
            return not self._row["drive"] and self._row["owner"] != self._user
        if name == "fullText":
            return f"{self._row['body']['name']} {self._row['body'].get('description', '')}"
        found = self._row["body"].get(name)
        return parse_rfc3339(found) if name.endswith("Time") and found else found

    def members(self, name: str) -> list[str]:
        """Parents' ids, or e-mail addresses."""
        if name == "parents":
            return list(self._row["body"]["parents"])
        if name == "owners":
            return [self._row["owner"]]
        return sorted(self._files.viewers(self._row))


class Searching:
    """Finds files."""

    def __init__(self, files: Files, drives: Drives) -> None:
        self._files = files
        self._drives = drives

    def page(self, user: str, parameters: Parameters) -> tuple[list[Json], str | None]:
        """A page of rows and the next page's token."""
        text = parameters.get("q", "").strip()
        node = parse(text, self._files.root_id(user)) if text else None
        size = parameters.get("pageSize", 100)
        start = _read_token(parameters.get("pageToken"))
        logs = self._logs(user, parameters)
        if parameters.get("orderBy"):
            rows = self._matching(node, self._candidates(node, logs, 0), user)
            ordered = _ordered(rows, parameters["orderBy"])
            more = f"~{start + size}" if start + size < len(ordered) else None
            return ordered[start : start + size], more
        found: list[Json] = []
        for row in self._matching(node, self._candidates(node, logs, start), user):
            if len(found) == size:
                return found, f"~{found[-1]['position']}"
            found.append(row)
        return found, None

    def _logs(self, user: str, parameters: Parameters) -> list[str]:
        """The drives to look into; the empty name is My Drive."""
        drive_id = parameters.get("driveId", "")
        corpora = parameters.get("corpora", "drive" if drive_id else "user")
        with_drives = parameters.get("includeItemsFromAllDrives", False)
        if drive_id or corpora == "drive":
            if not (drive_id and with_drives and parameters.get("supportsAllDrives")):
                raise bad_request(
                    "The driveId, corpora=drive, includeItemsFromAllDrives and supportsAllDrives "
                    "parameters must be specified together.",
                    "invalid",
                )
            return [str(self._drives.get(user, drive_id)["id"])]
        if with_drives and parameters.get("supportsAllDrives"):
            return ["", *(drive["id"] for drive in self._drives.of(user))]
        return [""]

    def _candidates(self, node: Node | None, logs: list[str], after: int) -> Iterator[Json]:
        """Rows that may match, in order of last change, after a position."""
        keys = self._indexed(node)
        if keys is None:
            entries = merge(*(self._files.feed.since(log, after) for log in logs))
            rows: Iterable[Json | None] = (self._files.stored(key) for _, key in entries)
            yield from (row for row in rows if row is not None)
            return
        found = [row for row in map(self._files.stored, keys) if row is not None]
        found = [row for row in found if row["drive"] in logs and row["position"] is not None]
        found.sort(key=lambda row: row["position"])
        yield from (row for row in found if row["position"] > after)

    def _indexed(self, node: Node | None) -> list[str] | None:
        """Keys from the narrowest index the query allows, None when it allows none."""
        if isinstance(node, Membership) and node.collection == "parents":
            return self._files.by_parent.keys(node.member)
        if isinstance(node, Property) and node.collection == "appProperties":
            return self._files.by_property.keys(f"{node.key}\n{node.text}")
        if isinstance(node, Comparison) and (node.name, node.operator) == ("name", "="):
            return self._files.by_name.keys(node.operand)
        if isinstance(node, Both):
            sides = [self._indexed(node.left), self._indexed(node.right)]
            return min((keys for keys in sides if keys is not None), key=len, default=None)
        return None

    def _matching(self, node: Node | None, rows: Iterable[Json], user: str) -> Iterator[Json]:
        for row in rows:
            if not self._files.is_visible(row, user):
                continue
            if node is None or node.matches(FileSubject(self._files, row, user)):
                yield row


def _read_token(token: str | None) -> int:
    if not token:
        return 0
    if not token.startswith("~") or not token[1:].isdigit():
        raise invalid_value("pageToken")
    return int(token[1:])


def _ordered(rows: Iterable[Json], order_by: str) -> list[Json]:
    """Sorted by the keys given, the last one first, so that the first one rules."""
    ordered = list(rows)
    for part in reversed(order_by.split(",")):
        name, _, direction = part.strip().partition(" ")
        if name not in SORT_KEYS or direction not in {"", "desc"}:
            raise invalid_value("orderBy")
        ordered.sort(key=lambda row: _sort_value(row, name), reverse=direction == "desc")
    return ordered


def _sort_value(row: Json, name: str) -> Any:
    body = row["body"]
    if name == "folder":
        return 0 if body["mimeType"].endswith(".folder") else 1
    if name == "quotaBytesUsed":
        return int(body.get("size", 0))
    if name in {"name", "name_natural"}:
        return body["name"].casefold()
    return str(body.get("modifiedTime" if name == "recency" else name, ""))
