"""Drive's permissions, one function per API method.

https://developers.google.com/workspace/drive/api/reference/rest/v3/permissions

Drive does not support concurrent changes on one file: only the last is applied. Callers hold
the file's act (gdrive.acts).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gdrive import client
from pipedesk.google.service import drive_service, execute

FIELDS = "id,type,role,emailAddress,domain"
PAGE_SIZE = 100


@dataclass(frozen=True)
class Permission:
    """Who may do what with a file. `address`: an e-mail or a domain, empty for `anyone`."""

    permission_id: str
    kind: str
    role: str
    address: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.address or self.kind, self.role)))


def list_permissions(file_id: str) -> list[Permission]:
    """Every permission of a file, the owner's too.

    https://developers.google.com/workspace/drive/api/reference/rest/v3/permissions/list
    """

    def ask(page: dict[str, str]) -> Any:
        return (
            drive_service()
            .permissions()
            .list(
                fileId=file_id,
                pageSize=PAGE_SIZE,
                fields=f"nextPageToken,permissions({FIELDS})",
                supportsAllDrives=True,
                **page,
            )
        )

    return [_read(resource) for resource in client.items("permissions", ask)]


def create_permission(
    file_id: str, kind: str, role: str, address: str, *, notify: bool
) -> Permission:
    """Let somebody in. Somebody has one permission per file: asking twice makes no second.

    https://developers.google.com/workspace/drive/api/reference/rest/v3/permissions/create
    """
    body = {"type": kind, "role": role}
    if address:
        body["domain" if kind == "domain" else "emailAddress"] = address
    # The parameter is for people and groups only.
    mail = {"sendNotificationEmail": notify} if kind in {"user", "group"} else {}
    request = (
        drive_service()
        .permissions()
        .create(fileId=file_id, body=body, fields=FIELDS, supportsAllDrives=True, **mail)
    )
    return _read(execute(request))


def update_permission(file_id: str, permission_id: str, role: str) -> Permission:
    """Another role.

    https://developers.google.com/workspace/drive/api/reference/rest/v3/permissions/update
    """
    request = (
        drive_service()
        .permissions()
        .update(
            fileId=file_id,
            permissionId=permission_id,
            body={"role": role},
            fields=FIELDS,
            supportsAllDrives=True,
        )
    )
    return _read(execute(request))


def delete_permission(file_id: str, permission_id: str) -> None:
    """Shut somebody out.

    https://developers.google.com/workspace/drive/api/reference/rest/v3/permissions/delete
    """
    request = (
        drive_service()
        .permissions()
        .delete(fileId=file_id, permissionId=permission_id, supportsAllDrives=True)
    )
    execute(request)


def _read(resource: dict[str, Any]) -> Permission:
    return Permission(
        permission_id=resource["id"],
        kind=resource.get("type", ""),
        role=resource.get("role", ""),
        address=resource.get("emailAddress") or resource.get("domain") or "",
    )
