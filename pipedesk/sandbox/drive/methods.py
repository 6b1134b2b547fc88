"""The Drive methods the sandbox answers, by their id in the discovery document."""

from collections.abc import Callable
from typing import Any

from pipedesk.sandbox.channels import DRIVE_CHANGES_LIFETIME, DRIVE_FILE_LIFETIME, Resource
from pipedesk.sandbox.drive.editing import Actor
from pipedesk.sandbox.drive.files import changes_topic, file_topic
from pipedesk.sandbox.drive.ids import generate
from pipedesk.sandbox.drive.permissions import owner_permission
from pipedesk.sandbox.errors import Json, invalid_parameter, invalid_value, required
from pipedesk.sandbox.exchange import Call, Response
from pipedesk.sandbox.google import Google

Answer = Json | Response | None

URI = "https://www.googleapis.com/drive/v3"


def actor_of(call: Call) -> Actor:
    """Who calls."""
    return Actor(call.user, call.flag("supportsAllDrives") or call.flag("supportsTeamDrives"))


def _file(google: Google, call: Call) -> Json:
    actor = actor_of(call)
    return google.files.get(actor.user, call.text("fileId"), all_drives=actor.all_drives)


def about_get(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/drive/api/reference/rest/v3/about/get"""
    if "fields" not in call.parameters:
        raise required("fields", "The 'fields' parameter is required for this method.")
    return {
        "kind": "drive#about",
        "user": {
            "kind": "drive#user",
            "displayName": call.user.partition("@")[0],
            "emailAddress": call.user,
            "me": True,
            "permissionId": owner_permission(call.user)["id"],
        },
        "storageQuota": {"limit": "16106127360", "usage": "0", "usageInDrive": "0"},
        "maxUploadSize": "5497558138880",
        "canCreateDrives": True,
    }


def files_generate_ids(_google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/drive/api/reference/rest/v3/files/generateIds"""
    ids = [generate() for _ in range(call.number("count", 10))]
    return {"kind": "drive#generatedIds", "space": "drive", "ids": ids}


def files_create(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/drive/api/reference/rest/v3/files/create"""
    row = google.file_editing.create(actor_of(call), call.body, call.media)
    return google.files.render(row, call.user)


def files_get(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/drive/api/reference/rest/v3/files/get"""
    row = _file(google, call)
    if call.text("alt") != "media":
        return google.files.render(row, call.user)
    if "size" not in row["body"]:
        raise invalid_parameter("alt", "Only files with binary content can be downloaded.")
    return _download(google.files.content(row["id"]), row["body"]["mimeType"], call)


def _download(content: bytes, mime_type: str, call: Call) -> Response:
    """The bytes, or the part a ``Range`` header asks for."""
    headers = {"Content-Type": mime_type}
    wanted = call.headers.get("range", "")
    first_text, _, last_text = wanted.removeprefix("bytes=").partition("-")
    if not wanted.startswith("bytes=") or not first_text.isdigit():
        return Response(200, content, headers)
    first = int(first_text)
    last = min(int(last_text) if last_text.isdigit() else len(content), len(content) - 1)
    if first > last:
        return Response(416, b"", {**headers, "Content-Range": f"bytes */{len(content)}"})
    headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
    return Response(206, content[first : last + 1], headers)


def files_list(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/drive/api/reference/rest/v3/files/list"""
    rows, next_page = google.searching.page(call.user, call.parameters)
    answer: Json = {
        "kind": "drive#fileList",
        "incompleteSearch": False,
        "files": [google.files.render(row, call.user) for row in rows],
    }
    if next_page is not None:
        answer["nextPageToken"] = next_page
    return answer


def files_update(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/drive/api/reference/rest/v3/files/update"""
    row = google.file_editing.update(
        actor_of(call),
        call.text("fileId"),
        call.body,
        add_parents=call.text("addParents"),
        remove_parents=call.text("removeParents"),
        media=call.media,
    )
    return google.files.render(row, call.user)


def files_copy(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/drive/api/reference/rest/v3/files/copy"""
    row = google.file_editing.copy(actor_of(call), call.text("fileId"), call.body)
    return google.files.render(row, call.user)


def files_delete(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/drive/api/reference/rest/v3/files/delete"""
    google.file_editing.delete(actor_of(call), call.text("fileId"))
    return None


def files_empty_trash(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/drive/api/reference/rest/v3/files/emptyTrash"""
    google.file_editing.empty_trash(actor_of(call))
    return None


def files_watch(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/drive/api/reference/rest/v3/files/watch"""
    file_id = _file(google, call)["id"]
    uri = f"{URI}/files/{file_id}?alt=json"
    resource = Resource(file_topic(file_id), uri, DRIVE_FILE_LIFETIME)
    return google.channels.open(call.body, call.user, resource)


def changes_get_start_page_token(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/drive/api/reference/rest/v3/changes/getStartPageToken"""
    token = google.changes.start_token(call.user, call.text("driveId"))
    return {"kind": "drive#startPageToken", "startPageToken": token}


def changes_list(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/drive/api/reference/rest/v3/changes/list"""
    drive_id = call.text("driveId")
    with_drives = call.flag("includeItemsFromAllDrives")
    if (drive_id or with_drives) and not call.flag("supportsAllDrives"):
        raise invalid_value("supportsAllDrives", "supportsAllDrives must be true here.")
    changes, next_page, new_start = google.changes.page(
        call.user,
        call.text("pageToken"),
        call.number("pageSize", 100),
        drive_id=drive_id,
        with_drives=with_drives and not call.flag("restrictToMyDrive"),
        with_departed=call.flag("includeCorpusRemovals"),
    )
    if not call.flag("includeRemoved", default=True):
        changes = [change for change in changes if not change["removed"]]
    answer: Json = {"kind": "drive#changeList", "changes": changes}
    if next_page is not None:
        answer["nextPageToken"] = next_page
    if new_start is not None:
        answer["newStartPageToken"] = new_start
    return answer


def changes_watch(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/drive/api/reference/rest/v3/changes/watch"""
    drive_id = call.text("driveId")
    google.changes.check_drive(call.user, drive_id)
    uri = f"{URI}/changes?alt=json&pageToken={call.text('pageToken')}"
    topic = changes_topic(call.user, drive_id)
    return google.channels.open(call.body, call.user, Resource(topic, uri, DRIVE_CHANGES_LIFETIME))


def channels_stop(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/drive/api/reference/rest/v3/channels/stop"""
    google.channels.stop(call.body, call.user)
    return None


def drives_list(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/drive/api/reference/rest/v3/drives/list"""
    return {"kind": "drive#driveList", "drives": google.drives.of(call.user)}


def drives_get(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/drive/api/reference/rest/v3/drives/get"""
    return google.drives.get(call.user, call.text("driveId"))


def drives_create(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/drive/api/reference/rest/v3/drives/create"""
    return google.drives.create(call.user, call.text("requestId"), call.body)


def permissions_list(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/drive/api/reference/rest/v3/permissions/list"""
    row = _file(google, call)
    owner = [owner_permission(row["owner"])] if row["owner"] else []
    given = [*owner, *google.permissions.given(row["id"])]
    return {"kind": "drive#permissionList", "permissions": given}


def permissions_get(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/drive/api/reference/rest/v3/permissions/get"""
    row = _file(google, call)
    owner = owner_permission(row["owner"])
    if row["owner"] and owner["id"] == call.text("permissionId"):
        return owner
    return google.permissions.get(row["id"], call.text("permissionId"))


def permissions_create(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/drive/api/reference/rest/v3/permissions/create"""
    row = _file(google, call)
    return google.sharing.give(row, call.body)


def permissions_update(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/drive/api/reference/rest/v3/permissions/update"""
    row = _file(google, call)
    return google.sharing.change(row, call.text("permissionId"), call.body)


def permissions_delete(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/drive/api/reference/rest/v3/permissions/delete"""
    row = _file(google, call)
    google.sharing.take(row, call.text("permissionId"))
    return None


METHODS: dict[str, Callable[[Google, Call], Any]] = {
    "drive.about.get": about_get,
    "drive.changes.getStartPageToken": changes_get_start_page_token,
    "drive.changes.list": changes_list,
    "drive.changes.watch": changes_watch,
    "drive.channels.stop": channels_stop,
    "drive.drives.create": drives_create,
    "drive.drives.get": drives_get,
    "drive.drives.list": drives_list,
    "drive.files.copy": files_copy,
    "drive.files.create": files_create,
    "drive.files.delete": files_delete,
    "drive.files.emptyTrash": files_empty_trash,
    "drive.files.generateIds": files_generate_ids,
    "drive.files.get": files_get,
    "drive.files.list": files_list,
    "drive.files.update": files_update,
    "drive.files.watch": files_watch,
    "drive.permissions.create": permissions_create,
    "drive.permissions.delete": permissions_delete,
    "drive.permissions.get": permissions_get,
    "drive.permissions.list": permissions_list,
    "drive.permissions.update": permissions_update,
}

FILE = "kind,id,name,mimeType,resourceKey"
PERMISSION = "kind,id,type,role"
DEFAULT_FIELDS: dict[str, str] = {
    "drive.changes.list": (
        "kind,nextPageToken,newStartPageToken,"
        f"changes(kind,type,changeType,time,removed,fileId,driveId,file({FILE}))"
    ),
    "drive.drives.create": "kind,id,name",
    "drive.drives.get": "kind,id,name",
    "drive.drives.list": "kind,nextPageToken,drives(kind,id,name)",
    "drive.files.copy": FILE,
    "drive.files.create": FILE,
    "drive.files.get": FILE,
    "drive.files.list": f"kind,incompleteSearch,nextPageToken,files({FILE})",
    "drive.files.update": FILE,
    "drive.permissions.create": PERMISSION,
    "drive.permissions.get": PERMISSION,
    "drive.permissions.list": f"kind,nextPageToken,permissions({PERMISSION})",
    "drive.permissions.update": PERMISSION,
}
"""What a method answers without ``fields``."""
