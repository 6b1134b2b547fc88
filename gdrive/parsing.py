"""What Drive's answers say, as frozen values. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

FOLDER_MIME_TYPE = "application/vnd.google-apps.folder"


@dataclass(frozen=True)
class RemoteFile:
    """A file or folder as Drive shows it. `size` in bytes, None for Google's own formats.

    `trashed` is also true for what lies in a trashed folder, `explicitly_trashed` is not.
    `parent_id` is empty where we may not see the parent.
    """

    file_id: str
    name: str
    mime_type: str
    parent_id: str = ""
    size: int | None = None
    drive_id: str = ""
    web_view_link: str | None = None
    web_content_link: str | None = None
    created_at: datetime | None = None
    modified_at: datetime | None = None
    version: int | None = None
    trashed: bool = False
    explicitly_trashed: bool = False

    @property
    def is_folder(self) -> bool:
        """Whether this is a folder."""
        return self.mime_type == FOLDER_MIME_TYPE


@dataclass(frozen=True)
class Change:
    """An entry of the change feed: the file's present state, or None when it is out of reach."""

    file_id: str
    file: RemoteFile | None


def parse_file(resource: dict[str, Any]) -> RemoteFile:
    """A file resource; 64-bit numbers come as text.

    https://developers.google.com/workspace/drive/api/reference/rest/v3/files
    """
    parents = resource.get("parents") or [""]
    return RemoteFile(
        file_id=resource["id"],
        name=clean(resource.get("name", "")),
        mime_type=resource.get("mimeType", ""),
        parent_id=parents[0],
        size=_number(resource.get("size")),
        drive_id=resource.get("driveId", ""),
        web_view_link=resource.get("webViewLink"),
        web_content_link=resource.get("webContentLink"),
        created_at=_moment(resource.get("createdTime")),
        modified_at=_moment(resource.get("modifiedTime")),
        version=_number(resource.get("version")),
        trashed=bool(resource.get("trashed")),
        explicitly_trashed=bool(resource.get("explicitlyTrashed")),
    )


def parse_changes(resources: list[dict[str, Any]]) -> list[Change]:
    """The entries about files of a page of changes; the last of several on one file counts.

    A file that went to another drive is `removed` from the log it left and may come along.

    https://developers.google.com/workspace/drive/api/reference/rest/v3/changes
    """
    latest: dict[str, Change] = {}
    for resource in resources:
        file_id = resource.get("fileId")
        if not file_id:
            continue  # about a shared drive itself
        file = resource.get("file")
        latest.pop(file_id, None)
        latest[file_id] = Change(file_id, parse_file(file) if file else None)
    return list(latest.values())


def clean(text: str) -> str:
    """Text every database takes: without NUL and half surrogates."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def _number(text: str | int | None) -> int | None:
    try:
        return None if text is None else int(text)
    except ValueError:
        return None


def _moment(text: str | None) -> datetime | None:
    try:
        return parse_datetime(text) if text else None
    except ValueError:
        return None
