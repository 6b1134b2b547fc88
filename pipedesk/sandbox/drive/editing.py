"""What callers and people do to files: create, change, move, trash, copy, delete.

https://developers.google.com/workspace/drive/api/reference/rest/v3/files
"""

from dataclasses import dataclass
from typing import Any

from pipedesk.sandbox.clock import Clock, rfc3339
from pipedesk.sandbox.drive.files import FOLDER, MAX_DEPTH, Files
from pipedesk.sandbox.drive.ids import generate, is_generated
from pipedesk.sandbox.errors import GoogleError, Json, bad_request, file_not_found
from pipedesk.sandbox.exchange import Media

WRITABLE = (
    "name",
    "mimeType",
    "description",
    "starred",
    "appProperties",
    "properties",
    "createdTime",
    "modifiedTime",
    "folderColorRgb",
    "originalFilename",
    "writersCanShare",
    "copyRequiresWriterPermission",
    "shortcutDetails",
    "viewedByMeTime",
)
MAX_PROPERTIES = 30
MAX_PROPERTY_BYTES = 124
NATIVE = "application/vnd.google-apps."
NATIVE_WITH_OWN_ID = frozenset({FOLDER, NATIVE + "drive-sdk"})


@dataclass(frozen=True)
class Actor:
    """Who acts, and whether he said that he knows shared drives."""

    user: str
    all_drives: bool = True


class FileEditing:
    """Changes to files."""

    def __init__(self, files: Files, clock: Clock) -> None:
        self._files = files
        self._clock = clock

    def create(self, actor: Actor, request: Json, media: Media | None = None) -> Json:
        """Create a file or folder; answers its row.

        Raises GoogleError 409 ``fileIdInUse`` for an id used before, 400 for one that
        ``generateIds`` did not make.
        """
        mime_type = request.get("mimeType") or (
            media.content_type if media else "application/octet-stream"
        )
        file_id = self._new_id(request, mime_type)
        parent = self._parent(actor, request.get("parents") or ["root"])
        now = rfc3339(self._clock.now())
        body: Json = {
            "name": "Untitled",
            "createdTime": now,
            "modifiedTime": now,
            **_written({}, request),
            "mimeType": mime_type,
            "parents": [parent["id"]],
        }
        if media is not None:
            body.update(self._files.keep_content(file_id, media))
            body.setdefault("originalFilename", body["name"])
        row = {
            "id": file_id,
            "owner": "" if parent["drive"] else parent["owner"],
            "drive": parent["drive"],
            "body": body,
            "trashed": False,
            "removed": False,
        }
        return self._files.save(row, "add")

    def check(self, actor: Actor, request: Json, mime_type: str) -> None:
        """What a resumable upload is told before it sends a byte. Raises GoogleError."""
        self._new_id(request, request.get("mimeType") or mime_type)
        self._parent(actor, request.get("parents") or ["root"])

    def update(
        self,
        actor: Actor,
        file_id: str,
        request: Json,
        *,
        add_parents: str = "",
        remove_parents: str = "",
        media: Media | None = None,
    ) -> Json:
        """Change metadata, place, trash state or content, in one step; answers the row."""
        row = self._files.get(actor.user, file_id, all_drives=actor.all_drives)
        changed: list[str] = []
        body = _written(row["body"], request)
        if body != row["body"]:
            changed.append("properties")
        if "modifiedTime" not in request and (media or "name" in request):
            body["modifiedTime"] = rfc3339(self._clock.now())
        if media is not None:
            body.update(self._files.keep_content(row["id"], media))
            changed.append("content")
        old_drive = row["drive"]
        row = {**row, "body": body}
        if add_parents or remove_parents:
            row = self._moved(actor, row, _ids(add_parents), _ids(remove_parents))
            changed.append("parents")
        saved = self._save(row, request.get("trashed"), changed)
        if saved["drive"] != old_drive:
            self._bring_along(saved)
        return saved

    def _bring_along(self, folder: Json) -> None:
        """What lies in a folder that went to another drive goes there too."""
        place = {"drive": folder["drive"], "owner": folder["owner"]}
        for child in self._files.children(folder["id"]):
            self._bring_along(self._files.save({**child, **place}, "update", "parents"))

    def _save(self, row: Json, trashed: bool | None, changed: list[str]) -> Json:
        if trashed is None or trashed == row["trashed"]:
            return self._files.save(row, "update", *changed)
        if not row["body"]["parents"]:
            raise GoogleError(403, "cannotTrashRoot", "The root folder cannot be trashed.")
        return self._files.save({**row, "trashed": trashed}, "trash" if trashed else "untrash")

    def copy(self, actor: Actor, file_id: str, request: Json) -> Json:
        """Copy a file with its content; folders cannot be copied."""
        source = self._files.get(actor.user, file_id, all_drives=actor.all_drives)
        body = source["body"]
        if body["mimeType"] == FOLDER:
            raise GoogleError(403, "cannotCopyFile", "This file cannot be copied by the user.")
        wanted = {
            **{name: body[name] for name in WRITABLE if name in body and not name.endswith("Time")},
            "parents": body["parents"],
            "name": f"Copy of {body['name']}",
            **request,
        }
        media = None
        if "size" in body:
            media = Media(body["mimeType"], self._files.content(source["id"]))
        return self.create(actor, wanted, media)

    def delete(self, actor: Actor, file_id: str) -> None:
        """Delete for good, with everything below."""
        row = self._files.get(actor.user, file_id, all_drives=actor.all_drives)
        if not row["body"]["parents"]:
            raise GoogleError(403, "insufficientFilePermissions", "A root cannot be deleted.")
        self._delete_below(row)

    def _delete_below(self, row: Json) -> None:
        waiting = [row]
        while waiting:
            current = waiting.pop()
            waiting += self._files.children(current["id"])
            self._files.remove(current)

    def empty_trash(self, actor: Actor) -> None:
        """Delete for good what the user put into the trash of My Drive."""
        for _, key in list(self._files.feed.since("", 0)):
            row = self._files.stored(key)
            if row is not None and row["trashed"] and row["owner"] == actor.user:
                self._delete_below(row)

    def _new_id(self, request: Json, mime_type: str) -> str:
        file_id = request.get("id")
        if not file_id:
            return generate()
        if mime_type.startswith(NATIVE) and mime_type not in NATIVE_WITH_OWN_ID:
            raise bad_request(
                "Generated IDs are not supported for Docs Editors formats.", "invalid"
            )
        if not is_generated(file_id):
            raise bad_request("The provided file ID is not usable.", "invalid")
        if self._files.exists(file_id):
            raise GoogleError(
                409,
                "fileIdInUse",
                "A file already exists with the provided ID.",
                location="file.id",
                location_type="other",
            )
        return str(file_id)

    def _parent(self, actor: Actor, parents: list[str]) -> Json:
        if len(parents) > 1:
            raise bad_request("A file cannot have more than one parent.", "multipleParents")
        parent = self._files.get(actor.user, parents[0], all_drives=actor.all_drives)
        if parent["body"]["mimeType"] != FOLDER:
            raise GoogleError(403, "parentNotAFolder", "The specified parent is not a folder.")
        if sum(1 for _ in self._files.lineage(parent)) > MAX_DEPTH:
            raise GoogleError(
                403, "myDriveHierarchyDepthLimitExceeded", "The folder hierarchy is too deep."
            )
        return parent

    def _moved(self, actor: Actor, row: Json, added: list[str], removed: list[str]) -> Json:
        parents = list(row["body"]["parents"])
        root_id = self._files.root_id(actor.user)
        for parent_id in (root_id if each == "root" else each for each in removed):
            if parent_id in parents:
                parents.remove(parent_id)
        for parent_id in added:
            parent = self._parent(actor, [parent_id])
            if any(each["id"] == row["id"] for each in self._files.lineage(parent)):
                raise bad_request("A folder cannot be moved into itself or below itself.")
            if parent["id"] not in parents:
                parents.append(parent["id"])
        if len(parents) != 1:
            reason = "cannotAddParent" if parents else "cannotRemoveParent"
            raise GoogleError(403, reason, "A file must have exactly one parent.")
        parent_row = self._files.stored(parents[0])
        if parent_row is None:
            raise file_not_found(parents[0])
        drive_id = parent_row["drive"]
        owner = "" if drive_id else row["owner"] or parent_row["owner"]
        body = {**row["body"], "parents": parents}
        return {**row, "body": body, "drive": drive_id, "owner": owner}


def _ids(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _written(old: Json, request: Json) -> Json:
    """The old body with the request's writable fields; properties merge, null clears."""
    body = dict(old)
    for name in WRITABLE:
        if name not in request:
            continue
        if name in {"appProperties", "properties"}:
            body[name] = _merged_properties(old.get(name, {}), request[name])
        elif request[name] is None:
            body.pop(name, None)
        else:
            body[name] = request[name]
    if not body.get("name", "x"):
        raise bad_request("The name of a file cannot be empty.", "invalid")
    return body


def _merged_properties(old: Json, new: Any) -> Json:
    merged = {**old, **(new or {})}
    merged = {name: value for name, value in merged.items() if value is not None}
    if len(merged) > MAX_PROPERTIES:
        raise GoogleError(403, "propertyLimitExceeded", "Too many properties on this file.")
    for name, value in merged.items():
        if len(f"{name}{value}".encode()) > MAX_PROPERTY_BYTES:
            raise bad_request("The property is longer than 124 bytes.", "propertyTooLong")
    return merged
