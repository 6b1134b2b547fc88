"""Above and below in the mirror, each with one recursive query."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from django.db import connection
from django.db.models.expressions import RawSQL

MAX_DEPTH = 200  # Drive itself stops at 100 levels


class Edge(Enum):
    """Where a walk downwards turns back, leaving out that row and what is below it."""

    NONE = ""
    # A file in the trash for its own sake stays there when the folder above comes back.
    OWN_TRASH = "AND NOT f.explicitly_trashed"
    OUT_OF_REACH = "AND f.unavailable_at IS NULL"
    # What nobody sees: out of reach, in the trash, or deleted here.
    HIDDEN = "AND f.unavailable_at IS NULL AND f.trashed_at IS NULL AND f.deleted_at IS NULL"
    # An entity's own folder belongs to the entity wherever it lies.
    ENTITY = (
        "AND NOT EXISTS (SELECT 1 FROM google_drive_folders e"
        " WHERE e.folder_id = f.file_id AND e.deleted_at IS NULL)"
    )


@dataclass(frozen=True)
class Crumb:
    """A folder on the way from an entity's root; the last may be a file."""

    file_id: str
    name: str
    mime_type: str | None


def below(folder_ids: Collection[str], edge: Edge = Edge.NONE) -> list[str]:
    """The ids of everything below these folders, to any depth, without the folders."""
    if not folder_ids:
        return []
    marks = ", ".join(["%s"] * len(folder_ids))
    with connection.cursor() as cursor:
        cursor.execute(_walk("file_id", marks, edge), list(folder_ids))
        return [file_id for (file_id,) in cursor.fetchall()]


def around_entities(folder_ids: Collection[str]) -> set[str]:
    """Those of these folders that have an entity's own folder somewhere below."""
    if not folder_ids:
        return set()
    marks = ", ".join(["%s"] * len(folder_ids))
    query = f"""
        WITH RECURSIVE below(origin, file_id) AS (
            SELECT f.file_id, f.file_id FROM drive_files f WHERE f.file_id IN ({marks})
            UNION
            SELECT b.origin, f.file_id FROM below b {_children(Edge.NONE)}
        )
        SELECT DISTINCT b.origin FROM below b
        JOIN google_drive_folders e ON e.folder_id = b.file_id AND e.deleted_at IS NULL
        WHERE b.origin <> b.file_id
    """  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(query, list(folder_ids))
        return {origin for (origin,) in cursor.fetchall()}


def keys_below(folder_id: str, edge: Edge) -> RawSQL:
    """The primary keys of everything below this folder, for `filter(pk__in=…)`."""
    return RawSQL(_walk("id", "%s", edge), [folder_id])  # noqa: S611  (constants of ours)


def ids_below(folder_id: str) -> RawSQL:
    """Drive's ids of everything below this folder, for `filter(…_id__in=…)`."""
    return RawSQL(_walk("file_id", "%s", Edge.NONE), [folder_id])  # noqa: S611  (constants)


def ids_within(entity_type: str, entity_id: str) -> RawSQL:
    """Drive's ids of an entity's own folder and of everything below, deleted or not."""
    roots = """
        f.file_id IN (SELECT e.folder_id FROM google_drive_folders e
        WHERE e.entity_id = %s AND e.entity_type = %s)
    """
    query = _walk_from("file_id", roots, Edge.NONE)
    return RawSQL(query, [entity_id, entity_type])  # noqa: S611  (constants of ours)


def ids_above() -> RawSQL:
    """Drive's ids of every folder around an entity's own one, as far up as is known."""
    return RawSQL(
        """
        WITH RECURSIVE above(file_id) AS (
            SELECT f.parent_folder_id FROM google_drive_folders e
            JOIN drive_files f ON f.file_id = e.folder_id WHERE e.deleted_at IS NULL
            UNION
            SELECT f.parent_folder_id FROM drive_files f JOIN above a ON f.file_id = a.file_id
        )
        SELECT file_id FROM above WHERE file_id IS NOT NULL
        """,
        [],
    )


def _walk(column: str, marks: str, edge: Edge) -> str:
    """The query for one column of everything below the folders the marks stand for."""
    return _walk_from(column, f"f.parent_folder_id IN ({marks}) {edge.value}", edge)


def _walk_from(column: str, start: str, edge: Edge) -> str:
    """The query for one column of what fulfils the condition, and of everything below that.

    UNION, not UNION ALL: a loop in the data ends the walk.
    """
    return f"""
        WITH RECURSIVE below(id, file_id) AS (
            SELECT f.id, f.file_id FROM drive_files f WHERE {start}
            UNION
            SELECT f.id, f.file_id FROM below b {_children(edge)}
        )
        SELECT {column} FROM below
    """  # noqa: S608


def _children(edge: Edge) -> str:
    """The join of `f`, what lies directly in the folder `b`.

    PostgreSQL thinks that there are far more folders than there are, and would read the whole
    table for each level: OFFSET 0 makes it look up the folders one by one.
    """
    if connection.vendor == "sqlite":
        return f"JOIN drive_files f ON f.parent_folder_id = b.file_id {edge.value}"
    return f"""CROSS JOIN LATERAL (
        SELECT f.id, f.file_id FROM drive_files f
        WHERE f.parent_folder_id = b.file_id {edge.value} OFFSET 0
    ) f"""  # noqa: S608


def path(root_id: str, file_id: str) -> list[Crumb]:
    """The way from the root down to the file, both included; empty when it is not inside.

    What Drive no longer shows us is not inside.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE above(file_id, name, mime_type, parent_folder_id, depth) AS (
                SELECT file_id, name, mime_type, parent_folder_id, 0 FROM drive_files
                WHERE file_id = %s AND unavailable_at IS NULL
                UNION ALL
                SELECT f.file_id, f.name, f.mime_type, f.parent_folder_id, a.depth + 1
                FROM drive_files f
                JOIN above a ON f.file_id = a.parent_folder_id
                WHERE a.file_id <> %s AND a.depth < %s AND f.unavailable_at IS NULL
            )
            SELECT file_id, name, mime_type FROM above ORDER BY depth DESC
            """,
            [file_id, root_id, MAX_DEPTH],
        )
        crumbs = [Crumb(*row) for row in cursor.fetchall()]
    return crumbs if crumbs and crumbs[0].file_id == root_id else []
