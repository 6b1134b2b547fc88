"""Stored files: rows, who sees them, how they are shown, who is told of a change."""

import hashlib
from collections.abc import Iterator

from pipedesk.sandbox.channels import Happening
from pipedesk.sandbox.clock import Clock, rfc3339
from pipedesk.sandbox.drive.contents import Contents
from pipedesk.sandbox.drive.permissions import Permissions, owner_permission
from pipedesk.sandbox.errors import Json, file_not_found
from pipedesk.sandbox.exchange import Media
from pipedesk.sandbox.store import Feed, Index, Store

FOLDER = "application/vnd.google-apps.folder"
MAX_DEPTH = 100


def changes_topic(user: str = "", drive_id: str = "") -> str:
    """The topic of channels on a change log: a user's, or a shared drive's."""
    return f"drive/drive/{drive_id}" if drive_id else f"drive/user/{user}"


def file_topic(file_id: str) -> str:
    """The topic of channels on one file."""
    return f"drive/file/{file_id}"


class Files:
    """Files and folders of all accounts and shared drives.

    A row is ``{"id", "owner", "drive", "body", "trashed", "removed", "position"}``: an empty owner
    belongs to a shared drive, an empty drive to somebody's My Drive; ``trashed`` is Google's
    ``explicitlyTrashed``; a removed row stays as the tombstone its log needs. Root folders have
    position None: they are in no list and no log.
    """

    def __init__(
        self, store: Store, clock: Clock, permissions: Permissions, contents: Contents
    ) -> None:
        self._store = store
        self.bytes = contents
        self._clock = clock
        self._rows = store.table("files")
        self._contents = store.table("contents")
        self._roots = store.table("roots")
        self.permissions = permissions
        self.by_parent = Index(self._rows, _parents_of)
        self.by_name = Index(self._rows, _names_of)
        self.by_property = Index(self._rows, _property_keys)
        self.feed = Feed(self._rows, _place_of)
        self._departures = store.table("departures")
        self.departures = Feed(self._departures, lambda row: (row["log"], row["position"]))

    def add_account(self, user: str) -> None:
        """Give a new account its My Drive."""
        root_id = "0A" + hashlib.sha256(user.encode()).hexdigest()[:14] + "PVA"
        self._roots.put(user, {"id": root_id})
        self.add_root(root_id, owner=user, drive_id="", name="My Drive")

    def add_root(self, root_id: str, *, owner: str, drive_id: str, name: str) -> None:
        """Store the top folder of a My Drive or of a shared drive."""
        now = rfc3339(self._clock.now())
        body = {
            "name": name,
            "mimeType": FOLDER,
            "parents": [],
            "createdTime": now,
            "modifiedTime": now,
            "version": 1,
        }
        row = {"id": root_id, "owner": owner, "drive": drive_id, "body": body}
        self._rows.put(root_id, {**row, "trashed": False, "removed": False, "position": None})

    def root_id(self, user: str) -> str:
        """The id behind the alias ``root``."""
        row = self._roots.get(user) or {}
        return str(row.get("id"))

    def exists(self, file_id: str) -> bool:
        """Whether the id was ever used."""
        return file_id in self._rows

    def stored(self, file_id: str) -> Json | None:
        """The row of a file that is not deleted, whoever asks."""
        row = self._rows.get(file_id)
        return None if row is None or row["removed"] else row

    def row(self, key: str) -> Json | None:
        """The row, tombstones included."""
        return self._rows.get(key)

    def get(self, user: str, file_id: str, *, all_drives: bool) -> Json:
        """The row as the user may see it.

        Raises GoogleError 404 also for a shared drive's file without ``supportsAllDrives``.
        """
        resolved = self.root_id(user) if file_id == "root" else file_id
        row = self.stored(resolved)
        if row is None or (row["drive"] and not all_drives) or not self.is_visible(row, user):
            raise file_not_found(file_id)
        return row

    def is_visible(self, row: Json, user: str) -> bool:
        """Whether the user owns the file or it, or a folder above it, is shared with him."""
        if row["owner"] == user:
            return True
        return self.permissions.allows((each["id"] for each in self.lineage(row)), user)

    def lineage(self, row: Json) -> Iterator[Json]:
        """The file and the folders above it, up to a root."""
        current: Json | None = row
        while current is not None:
            yield current
            parents = current["body"]["parents"]
            current = self._rows.get(parents[0]) if parents else None

    def is_trashed(self, row: Json) -> bool:
        """In the trash itself or with a folder above it."""
        return any(each["trashed"] for each in self.lineage(row))

    def children(self, folder_id: str) -> list[Json]:
        """What lies in a folder, oldest first, trashed included."""
        rows = map(self._rows.get, self.by_parent.keys(folder_id))
        return [row for row in rows if row is not None]

    def viewers(self, row: Json) -> set[str]:
        """Users whose change log shows the file."""
        viewers = {row["owner"]} - {""}
        for each in self.lineage(row):
            for body in self.permissions.given(each["id"]):
                if body.get("emailAddress"):
                    viewers.add(body["emailAddress"])
        return viewers

    def save(self, row: Json, state: str, *changed: str) -> Json:
        """Store a file with its next version and tell the channels.

        ``state`` and ``changed`` are what a watched file's message says, for instance ``update``
        with ``properties``.
        """
        body = {**row["body"], "version": row["body"].get("version", 0) + 1}
        self._note_departure(row)
        saved = {**row, "body": body, **self._change()}
        self._rows.put(row["id"], saved)
        self.tell(saved, state, *changed)
        return saved

    def _note_departure(self, row: Json) -> None:
        """A file that goes to another drive leaves its log with an entry that says so."""
        old = self._rows.get(row["id"])
        if old is None or old["drive"] == row["drive"]:
            return
        entry = {"id": row["id"], "log": old["drive"], "seen_by": sorted(self.viewers(old))}
        self._departures.put(f"{old['drive']}\n{row['id']}", {**entry, **self._change()})
        if (back := f"{row['drive']}\n{row['id']}") in self._departures:
            self._departures.delete(back)

    def departure(self, key: str) -> Json | None:
        """What a log says of a file that left it."""
        return self._departures.get(key)

    def tell(self, row: Json, state: str, *changed: str) -> None:
        """Announce a change to the file's own channels and to those of the logs it stands in.

        A watched file of a shared drive says nothing, as in Google; its drive's log does.
        """
        for what in () if row["drive"] else changed or ("",):
            self._store.announce(Happening(file_topic(row["id"]), state, what))
        for user in self.viewers(row):
            self._store.announce(Happening(changes_topic(user), "change"))
        if row["drive"]:
            self._store.announce(Happening(changes_topic(drive_id=row["drive"]), "change"))
        for parent_id in () if row["drive"] else row["body"]["parents"]:
            self._store.announce(Happening(file_topic(parent_id), "update", "children"))

    def announce(self, happening: Happening) -> None:
        """Tell the channels of something else than a change of a file."""
        self._store.announce(happening)

    def remove(self, row: Json) -> None:
        """Delete for good: the tombstone stays in the log, the bytes go."""
        self.tell(row, "remove")
        tombstone = {"removed": True, "seen_by": sorted(self.viewers(row))}
        self._rows.put(row["id"], {**row, **tombstone, **self._change()})
        content = self._contents.get(row["id"])
        if content is not None:
            self._contents.delete(row["id"])
            self.bytes.drop(content["kept"])

    def _change(self) -> Json:
        changed_at = rfc3339(self._clock.now())
        return {"position": self._store.next_position(), "changed_at": changed_at}

    def content(self, file_id: str) -> bytes:
        """A file's bytes."""
        row = self._contents.get(file_id)
        if row is None:
            return b""
        with self.bytes.open(row["kept"]) as content:
            return content.read()

    def keep_content(self, file_id: str, media: Media) -> Json:
        """Take a file's bytes; answers the fields that describe them."""
        old = self._contents.get(file_id)
        kept = media.kept or self.bytes.keep(media.content)
        self._contents.put(file_id, {"kept": kept})
        media.file_id = file_id
        if old is not None:
            self.bytes.drop(old["kept"])
        return media.described or self.bytes.described(kept)

    def contents_known(self) -> list[str]:
        """What is named by a row."""
        return [row["kept"] for row in self._contents.values()]

    def render(self, row: Json, user: str) -> Json:
        """The whole file resource as this user sees it."""
        body = row["body"]
        file_id = row["id"]
        permissions = self.permissions.given(file_id)
        file: Json = {
            **body,
            "kind": "drive#file",
            "id": file_id,
            "version": str(body["version"]),
            "trashed": self.is_trashed(row),
            "explicitlyTrashed": row["trashed"],
            "starred": body.get("starred", False),
            "spaces": ["drive"],
            "shared": bool(permissions),
            "webViewLink": _link(file_id, body["mimeType"]),
            "capabilities": {"canEdit": True, "canTrash": True, "canAddChildren": True},
        }
        if "size" in body:
            file["webContentLink"] = f"https://drive.google.com/uc?id={file_id}&export=download"
        if not body["parents"]:
            del file["parents"]
        if row["drive"]:
            file["driveId"] = file["teamDriveId"] = row["drive"]
        else:
            file["ownedByMe"] = row["owner"] == user
            file["owners"] = [_person(row["owner"], user)]
            file["permissions"] = [owner_permission(row["owner"]), *permissions]
            file["permissionIds"] = [each["id"] for each in file["permissions"]]
        return file


def _parents_of(row: Json) -> list[str]:
    return [] if row["removed"] else row["body"]["parents"]


def _names_of(row: Json) -> list[str]:
    return [] if row["removed"] else [row["body"]["name"]]


def _property_keys(row: Json) -> list[str]:
    properties = row["body"].get("appProperties", {})
    return [] if row["removed"] else [f"{name}\n{value}" for name, value in properties.items()]


def _place_of(row: Json) -> tuple[str, int] | None:
    return None if row["position"] is None else (row["drive"], row["position"])


def _person(email: str, user: str) -> Json:
    return {
        "kind": "drive#user",
        "displayName": email.partition("@")[0],
        "emailAddress": email,
        "me": email == user,
        "permissionId": owner_permission(email)["id"],
    }


def _link(file_id: str, mime_type: str) -> str:
    if mime_type == FOLDER:
        return f"https://drive.google.com/drive/folders/{file_id}"
    return f"https://drive.google.com/file/d/{file_id}/view"
