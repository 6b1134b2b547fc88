"""Drive v3, one function per API method. Every call knows shared drives and names its fields.

https://developers.google.com/workspace/drive/api/reference/rest/v3
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

from gdrive.parsing import FOLDER_MIME_TYPE, Change, RemoteFile, parse_changes, parse_file
from pipedesk.google.errors import NotFound, TemporaryError
from pipedesk.google.sending import Content, upload
from pipedesk.google.service import drive_service, execute

FILE_FIELDS = (
    "id,name,mimeType,parents,size,driveId,webViewLink,webContentLink,createdTime,modifiedTime,"
    "version,trashed,explicitlyTrashed"
)
MAX_GENERATED_IDS = 1000
MAX_PAGE_SIZE = 1000
MAX_PROPERTY_BYTES = 124
# What a job calls between two requests, so that its lease lives.
KeepAlive = Callable[[], None]


@dataclass(frozen=True)
class ChangePage:
    """A page of changes. Of the two tokens exactly one is set: the next page's, or, on the
    last page, the one to begin with next time.
    """

    changes: list[Change]
    next_page_token: str
    new_start_page_token: str


def generate_ids(count: int = MAX_GENERATED_IDS) -> list[str]:
    """Reserve ids for `create_folder`, at most 1,000 at a time.

    https://developers.google.com/workspace/drive/api/reference/rest/v3/files/generateIds
    """
    request = drive_service().files().generateIds(count=count, space="drive", fields="ids")
    return list(execute(request)["ids"])


def create_folder(
    folder_id: str, name: str, parent_id: str, app_properties: dict[str, str]
) -> RemoteFile:
    """Create a folder under an id from `generate_ids`.

    https://developers.google.com/workspace/drive/api/reference/rest/v3/files/create

    Raises ValueError for a property over 124 bytes, AlreadyExists when the id is in use: an
    earlier attempt went through.
    """
    body = _new_file(folder_id, name, FOLDER_MIME_TYPE, parent_id, app_properties)
    request = drive_service().files().create(body=body, fields=FILE_FIELDS, supportsAllDrives=True)
    return parse_file(execute(request))


def upload_file(
    file_id: str,
    name: str,
    mime_type: str,
    parent_id: str,
    app_properties: dict[str, str],
    content: IO[bytes],
) -> RemoteFile:
    """Create a file with its content, as `create_folder` does a folder.

    https://developers.google.com/workspace/drive/api/guides/manage-uploads#resumable
    """
    body = _new_file(file_id, name, mime_type, parent_id, app_properties)

    def ask() -> Any:
        media = Content(content, mime_type)
        files = drive_service().files()
        return files.create(body=body, media_body=media, fields=FILE_FIELDS, supportsAllDrives=True)

    return parse_file(upload(ask))


def _new_file(
    file_id: str, name: str, mime_type: str, parent_id: str, app_properties: dict[str, str]
) -> dict[str, Any]:
    for key, value in app_properties.items():
        if len((key + value).encode()) > MAX_PROPERTY_BYTES:
            msg = f"The property {key} is longer than {MAX_PROPERTY_BYTES} bytes."
            raise ValueError(msg)
    return {
        "id": file_id,
        "name": name,
        "mimeType": mime_type,
        "parents": [parent_id],
        "appProperties": app_properties,
    }


def get_file(file_id: str) -> RemoteFile:
    """A file or folder, trashed or not.

    https://developers.google.com/workspace/drive/api/reference/rest/v3/files/get
    """
    request = (
        drive_service().files().get(fileId=file_id, fields=FILE_FIELDS, supportsAllDrives=True)
    )
    return parse_file(execute(request))


def update_file(
    file_id: str,
    *,
    name: str | None = None,
    add_parent: str = "",
    remove_parent: str = "",
    trashed: bool | None = None,
    app_properties: Mapping[str, str | None] | None = None,
) -> RemoteFile:
    """Rename, move, put into the trash or take out of it, in one step.

    Of `app_properties` None takes one away; those that are not named stay.

    https://developers.google.com/workspace/drive/api/reference/rest/v3/files/update
    """
    wanted = {"name": name, "trashed": trashed, "appProperties": app_properties}
    place: dict[str, str] = {}
    if add_parent:
        place = {"addParents": add_parent, "removeParents": remove_parent}
    request = (
        drive_service()
        .files()
        .update(
            fileId=file_id,
            body={field: value for field, value in wanted.items() if value is not None},
            fields=FILE_FIELDS,
            supportsAllDrives=True,
            **place,
        )
    )
    return parse_file(execute(request))


def list_files(
    query: str, drive_id: str = "", keep_alive: KeepAlive | None = None
) -> list[RemoteFile]:
    """Every file that `query` (see gdrive.query) finds, all pages of it."""
    return [parse_file(file) for file in find_files(query, drive_id, keep_alive=keep_alive)]


def find_files(
    query: str,
    drive_id: str = "",
    fields: str = FILE_FIELDS,
    keep_alive: KeepAlive | None = None,
) -> Iterator[Any]:
    """The same a page at a time, as Drive describes them with these fields.

    https://developers.google.com/workspace/drive/api/reference/rest/v3/files/list
    """
    scope = {"corpora": "drive", "driveId": drive_id} if drive_id else {"corpora": "user"}

    def ask(page: dict[str, str]) -> Any:
        return (
            drive_service()
            .files()
            .list(
                q=query,
                pageSize=MAX_PAGE_SIZE,
                fields=f"nextPageToken,files({fields})",
                supportsAllDrives=True,
                includeItemsFromAllDrives=True,
                **scope,
                **page,
            )
        )

    return items("files", ask, keep_alive)


def items(
    name: str, ask: Callable[[dict[str, str]], Any], keep_alive: KeepAlive | None = None
) -> Iterator[Any]:
    """The items called `name` of a list, all pages of it; `ask` makes the request of a page.

    Raises TemporaryError where a page comes twice: it would never end.
    """
    page: dict[str, str] = {}
    seen = set[str]()
    while True:
        answer = execute(ask(page))
        yield from answer.get(name, [])
        token = answer.get("nextPageToken", "")
        if not token:
            return
        if token in seen:
            msg = f"Drive repeats a page of {name}"
            raise TemporaryError(msg)
        seen.add(token)
        page = {"pageToken": token}
        if keep_alive:
            keep_alive()


def get_start_page_token(drive_id: str = "") -> str:
    """The token from which nothing has happened yet.

    https://developers.google.com/workspace/drive/api/reference/rest/v3/changes/getStartPageToken
    """
    request = (
        drive_service()
        .changes()
        .getStartPageToken(supportsAllDrives=True, fields="startPageToken", **_drive(drive_id))
    )
    return str(execute(request)["startPageToken"])


def is_member(drive_id: str) -> bool:
    """Whether this shared drive exists and is shared with us.

    https://developers.google.com/workspace/drive/api/reference/rest/v3/drives/get
    """
    try:
        execute(drive_service().drives().get(driveId=drive_id, fields="id"))
    except NotFound:
        return False
    return True


def list_changes(page_token: str, drive_id: str = "", size: int = MAX_PAGE_SIZE) -> ChangePage:
    """One page of what changed since the token was given out.

    https://developers.google.com/workspace/drive/api/reference/rest/v3/changes/list

    Raises TemporaryError for a page that says neither how to go on nor where it ends.
    """
    request = (
        drive_service()
        .changes()
        .list(
            pageToken=page_token,
            pageSize=size,
            includeRemoved=True,
            includeCorpusRemovals=True,
            supportsAllDrives=True,
            includeItemsFromAllDrives=True,
            fields=f"nextPageToken,newStartPageToken,changes(fileId,removed,file({FILE_FIELDS}))",
            **_drive(drive_id),
        )
    )
    answer = execute(request)
    next_token = answer.get("nextPageToken", "")
    start_token = "" if next_token else answer.get("newStartPageToken", "")
    if not (next_token or start_token) or next_token == page_token:
        msg = "Drive's page of changes has no end"
        raise TemporaryError(msg)
    return ChangePage(parse_changes(answer.get("changes", [])), next_token, start_token)


def watch_changes(page_token: str, channel: dict[str, str], drive_id: str = "") -> dict[str, Any]:
    """Open a push channel; asked once only, because an id can never be used again.

    https://developers.google.com/workspace/drive/api/reference/rest/v3/changes/watch
    """
    request = (
        drive_service()
        .changes()
        .watch(
            pageToken=page_token,
            body=channel,
            includeRemoved=True,
            includeCorpusRemovals=True,
            supportsAllDrives=True,
            includeItemsFromAllDrives=True,
            **_drive(drive_id),
        )
    )
    return execute(request, retries=0)


def watch_file(file_id: str, channel: dict[str, str]) -> dict[str, Any]:
    """Open a push channel on one file or folder; asked once only, as `watch_changes`.

    https://developers.google.com/workspace/drive/api/reference/rest/v3/files/watch
    """
    request = drive_service().files().watch(fileId=file_id, body=channel, supportsAllDrives=True)
    return execute(request, retries=0)


def stop_channel(channel_id: str, resource_id: str) -> None:
    """End a push channel.

    https://developers.google.com/workspace/drive/api/reference/rest/v3/channels/stop
    """
    execute(drive_service().channels().stop(body={"id": channel_id, "resourceId": resource_id}))


def _drive(drive_id: str) -> dict[str, str]:
    return {"driveId": drive_id} if drive_id else {}
