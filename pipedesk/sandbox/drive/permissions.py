"""Who may see a file.

https://developers.google.com/workspace/drive/api/guides/manage-sharing
"""

import hashlib
from collections.abc import Iterable

from pipedesk.sandbox.errors import GoogleError, Json, bad_request, not_found, required
from pipedesk.sandbox.store import Index, Store

ROLES = ("reader", "commenter", "writer", "fileOrganizer", "organizer", "owner")
TYPES = frozenset({"user", "group", "domain", "anyone"})


def permission_id(body: Json) -> str:
    """Stable for a person, as in Google: the same id on every file shared with him."""
    if body["type"] == "anyone":
        return "anyoneWithLink"
    address = body.get("emailAddress") or body.get("domain") or ""
    return str(int(hashlib.sha256(address.encode()).hexdigest()[:16], 16)).zfill(20)


def owner_permission(email: str) -> Json:
    """The permission an owner has without asking."""
    body = {"type": "user", "emailAddress": email}
    return {
        "kind": "drive#permission",
        "id": permission_id(body),
        **body,
        "role": "owner",
        "displayName": email.partition("@")[0],
        "deleted": False,
        "pendingOwner": False,
    }


class Permissions:
    """Permissions given on files, folders and shared drives; owners have theirs implicitly."""

    def __init__(self, store: Store) -> None:
        self._rows = store.table("permissions")
        self._by_file = Index(self._rows, lambda row: [row["file"]])

    def given(self, file_id: str) -> list[Json]:
        """Permissions given on this very file."""
        rows = map(self._rows.get, self._by_file.keys(file_id))
        return [row["body"] for row in rows if row is not None]

    def allows(self, file_ids: Iterable[str], user: str) -> bool:
        """Whether one of these (a file and its ancestors) lets the user in."""
        return any(
            self._by_file.count(file_id) and any(_names(body, user) for body in self.given(file_id))
            for file_id in file_ids
        )

    def put_back(self, file_id: str, bodies: Iterable[Json]) -> None:
        """Make these the file's permissions: what somebody does who did not see a later one."""
        for body in self.given(file_id):
            self._rows.delete(f"{file_id}\n{body['id']}")
        for body in bodies:
            self._rows.put(f"{file_id}\n{body['id']}", {"file": file_id, "body": body})

    def get(self, file_id: str, wanted: str) -> Json:
        """One permission. Raises GoogleError 404."""
        row = self._rows.get(f"{file_id}\n{wanted}")
        if row is None:
            raise not_found(f"Permission not found: {wanted}.", "permissionId")
        return row["body"]  # type: ignore[no-any-return]

    def give(self, file_id: str, request: Json) -> Json:
        """Give a permission; one person has one per file, the later role wins."""
        body = _checked(request)
        self._rows.put(f"{file_id}\n{body['id']}", {"file": file_id, "body": body})
        return body

    def change(self, file_id: str, wanted: str, request: Json) -> Json:
        """Change the role. Raises GoogleError 404."""
        role = request.get("role")
        if role not in ROLES:
            raise bad_request("The specified role is invalid.", "invalid")
        body = {**self.get(file_id, wanted), "role": role}
        self._rows.put(f"{file_id}\n{wanted}", {"file": file_id, "body": body})
        return body

    def take(self, file_id: str, wanted: str) -> Json:
        """Take a permission away and answer what it was. Raises GoogleError 404."""
        body = self.get(file_id, wanted)
        self._rows.delete(f"{file_id}\n{wanted}")
        return body


def _names(body: Json, user: str) -> bool:
    if body["type"] == "anyone":
        return True
    if body["type"] == "domain":
        return user.endswith("@" + str(body.get("domain")))
    return bool(body.get("emailAddress") == user)


def _checked(request: Json) -> Json:
    kind, role = request.get("type"), request.get("role")
    if kind not in TYPES:
        raise required("permission.type", "The permission type field is required.")
    if role not in ROLES:
        raise required("permission.role", "The permission role field is required.")
    if role == "owner":
        raise GoogleError(403, "consentRequiredForOwnershipTransfer", "Consent is required.")
    name = {"user": "emailAddress", "group": "emailAddress", "domain": "domain"}.get(kind)
    if name and not request.get(name):
        raise bad_request(f"The {name} field is required.", "invalidSharingRequest")
    body: Json = {"kind": "drive#permission", "type": kind, "role": role, "deleted": False}
    if name:
        body[name] = request[name].lower()
        body["displayName"] = body[name].partition("@")[0]
    body["id"] = permission_id(body)
    return body
