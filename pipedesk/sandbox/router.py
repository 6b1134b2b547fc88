"""From an HTTP request to an API method and back, checked by the discovery documents both ways."""

import json
import time
from collections.abc import Callable
from typing import Any

from pipedesk.sandbox import fieldmask
from pipedesk.sandbox.calendar import methods as calendar_methods
from pipedesk.sandbox.discovery import Method, Route, find, methods, read_parameters
from pipedesk.sandbox.drive import methods as drive_methods
from pipedesk.sandbox.drive.uploads import Session, read_multipart
from pipedesk.sandbox.errors import GoogleError, Json, bad_request, not_found
from pipedesk.sandbox.exchange import Call, Media, Request, Response, json_response
from pipedesk.sandbox.faults import Fault
from pipedesk.sandbox.google import Google
from pipedesk.sandbox.identity import user_of

HANDLERS: dict[str, Callable[[Google, Call], Any]] = {
    **calendar_methods.METHODS,
    **drive_methods.METHODS,
}

UPLOAD = "drive.upload"
UPLOAD_CANCEL = "drive.upload.cancel"
"""What a chunk of a resumable upload, and its end before time, count as: they have no method."""


class Router:
    """Answers API requests."""

    def __init__(self, google: Google, *, debug: bool = True) -> None:
        self._google = google
        self._debug = debug

    def answer(self, request: Request) -> Response:
        """The answer, errors included. Raises ConnectionResetError to have the line cut."""
        try:
            return self._answer(request.overridden())
        except GoogleError as error:
            return json_response(error.as_json(), error.status, error.headers)

    def _answer(self, request: Request) -> Response:
        upload_id = request.query.get("upload_id")
        if request.verb == "PUT" and upload_id and "/upload/" in request.path:
            fault = self._begin(UPLOAD, request)
            return play_after(fault, self._continue_upload(upload_id[-1], request))
        if request.verb == "DELETE" and upload_id and "/upload/" in request.path:
            self._begin(UPLOAD_CANCEL, request)
            self._google.uploads.cancel(upload_id[-1])
            return Response(499)  # what Google says to a cancelled upload
        route, path_values = find(request.verb, request.path)
        method = route.method
        fault = self._begin(method.id, request)
        call = self._read(route, path_values, request)
        if route.is_upload and call.text("uploadType") == "resumable":
            return self._begin_upload(call, request)
        response = self._perform(method, call, self._seen_before(fault, call))
        return play_after(fault, response)

    def _begin(self, method_id: str, request: Request) -> Fault | None:
        """Count a request and play the faults that come before it; the fault to play after."""
        self._google.requests.add(method_id)
        fault = self._google.faults.for_request(method_id, request.verb, request.path)
        play_before(fault, self._google.faults.latency_s)
        return fault

    def _read(self, route: Route, path_values: dict[str, str], request: Request) -> Call:
        """The request as a checked call. Raises GoogleError 400."""
        method = route.method
        parameters = read_parameters(method, path_values, request.query)
        body, media = _read_body(route, request)
        if method.request is not None:
            faults = method.api.schemas.faults(method.request, body)
            if faults:
                raise bad_request(f"Invalid JSON payload received. {faults[0]}", "parseError")
        return Call(
            method_id=method.id,
            user=user_of(request),
            parameters=parameters,
            body=body,
            headers=request.headers,
            origin=request.origin,
            media=media,
        )

    def _seen_before(self, fault: Fault | None, call: Call) -> list[Json] | None:
        """The file's permissions, and then the time in which others change them unseen."""
        if fault is None or fault.kind != "stale":
            return None
        with self._google.store.transaction():
            seen = self._google.permissions.given(call.text("fileId"))
        time.sleep(fault.seconds)
        return seen

    def _perform(self, method: Method, call: Call, seen: list[Json] | None = None) -> Response:
        handler = HANDLERS.get(method.id)
        if handler is None:
            raise GoogleError(501, "notImplemented", f"The sandbox does not play {method.id}.")
        mask = self._mask(method, call)
        with self._google.store.transaction():
            self._google.ensure_user(call.user)
            if seen is not None:
                self._google.permissions.put_back(call.text("fileId"), seen)
            answer = handler(self._google, call)
        if isinstance(answer, Response):
            return answer
        if answer is None:
            return Response(204)
        return self._respond(method, call, answer, mask)

    def _respond(self, method: Method, call: Call, answer: Json, mask: fieldmask.Mask) -> Response:
        etag = answer.get("etag")
        if etag and call.headers.get("if-none-match") == etag:
            return Response(304, headers={"ETag": etag})
        masked = fieldmask.apply(mask, answer)
        if self._debug and method.response is not None:
            faults = method.api.schemas.faults(method.response, masked)
            if faults:
                raise GoogleError(500, "sandboxFault", f"{method.id} answers wrongly: {faults}")
        return json_response(masked, headers={"ETag": etag} if etag else None)

    def _mask(self, method: Method, call: Call) -> fieldmask.Mask:
        text = call.text("fields") or drive_methods.DEFAULT_FIELDS.get(method.id, "*")
        mask = fieldmask.parse(text)
        if method.response is not None:
            fieldmask.check(mask, method.api.schemas, {"$ref": method.response})
        return mask

    def _begin_upload(self, call: Call, request: Request) -> Response:
        if call.method_id == "drive.files.create":
            content_type = call.headers.get("x-upload-content-type", "")
            with self._google.store.transaction():
                self._google.ensure_user(call.user)
                actor = drive_methods.actor_of(call)
                self._google.file_editing.check(actor, call.body, content_type)
        session = self._google.uploads.begin(call)
        location = f"{request.origin}{request.path}?uploadType=resumable&upload_id={session.id}"
        return Response(200, headers={"Location": location, "X-GUploader-UploadID": session.id})

    def _continue_upload(self, upload_id: str, request: Request) -> Response:
        session, done = self._google.uploads.receive(
            upload_id, request.headers.get("content-range", ""), request.body
        )
        if not done:
            headers = {"Range": f"bytes=0-{session.size - 1}"} if session.size else {}
            return Response(308, headers=headers)
        if session.file_id is not None:
            return self._completed_before(session)
        call = session.call
        call.media = self._google.uploads.media(session)
        response = self._perform(methods()[call.method_id], call)
        session.file_id = call.media.file_id
        return response

    def _completed_before(self, session: Session) -> Response:
        """Who lost the last answer asks how far it came, and is given it again."""
        method = methods()[session.call.method_id]
        with self._google.store.transaction():
            row = self._google.files.stored(session.file_id or "")
            if row is None:
                raise not_found("Upload session not found.")
            file = self._google.files.render(row, session.call.user)
        return self._respond(method, session.call, file, self._mask(method, session.call))


def _read_body(route: Route, request: Request) -> tuple[Json, Media | None]:
    content_type = request.headers.get("content-type", "")
    if route.is_upload and content_type.startswith("multipart/related"):
        return read_multipart(content_type, request.body)
    upload_type = request.query.get("uploadType", [""])[-1]
    if route.is_upload and upload_type == "media":
        return {}, Media(content_type or "application/octet-stream", request.body)
    if not request.body:
        return {}, None
    try:
        body = json.loads(request.body)
    except ValueError:
        raise bad_request("Parse Error", "parseError") from None
    if not isinstance(body, dict):
        raise bad_request("Parse Error", "parseError")
    return body, None


def play_before(fault: Fault | None, latency_s: float) -> None:
    """Faults that come before the request has any effect."""
    if latency_s:
        time.sleep(latency_s)
    if fault is None:
        return
    if fault.kind == "status":
        raise fault.error()
    if fault.kind == "slow":
        time.sleep(fault.seconds)
    if fault.kind == "timeout":
        time.sleep(fault.seconds)
        raise ConnectionResetError
    if fault.kind == "reset_before":
        raise ConnectionResetError


def play_after(fault: Fault | None, response: Response) -> Response:
    """Faults that come when the request has had its effect."""
    if fault is None:
        return response
    if fault.kind == "timeout_after_commit":
        time.sleep(fault.seconds)
        raise ConnectionResetError
    if fault.kind == "reset_after_commit":
        raise ConnectionResetError
    if fault.kind == "malformed":
        return Response(response.status, b"<html>not JSON", dict(response.headers))
    if fault.kind == "truncated":
        length = str(len(response.body))
        half = response.body[: len(response.body) // 2]
        return Response(response.status, half, {**response.headers, "Content-Length": length})
    return response
