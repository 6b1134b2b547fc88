"""Files in request bodies: written to the disk as they arrive, never whole in memory."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from http import HTTPStatus
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import BadRequest
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParser
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException

from pipedesk.core.exceptions import InvalidInput

AROUND = 64 * 1024  # what a form needs beside its file


class TooLarge(APIException):
    """The file is larger than allowed."""

    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_code = "payload_too_large"

    def __init__(self, max_bytes: int) -> None:
        limit = max_bytes // 2**20
        super().__init__(_("A file may have %(limit)d MB at most.") % {"limit": limit})


class SpooledFile(UploadedFile):  # type: ignore[type-arg]  # generic in its stubs only
    """An uploaded file on the disk, under no name: it ends with the process, if not before."""

    digest: str
    """SHA-256 of the content, in hex."""


class Spool(FileUploadHandler):
    """Takes a form with one file of at most `max_bytes`; used as `request.upload_handlers`.

    Raises TooLarge as soon as it is, BadRequest where the client went away in the middle.
    """

    def __init__(self, request: HttpRequest, max_bytes: int) -> None:
        super().__init__(request)
        self.max_bytes = max_bytes

    def handle_raw_input(
        self,
        input_data: IO[bytes],
        META: Mapping[str, Any],  # noqa: N803  (Django's name)
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> Any:
        """Read the form with the parser it would be read by anyway, and count."""
        source = _Counted(input_data)
        writer = _Writer(self.max_bytes)
        try:
            parsed = MultiPartParser(dict(META), source, [writer], encoding).parse()  # type: ignore[arg-type]
        except BaseException:
            writer.file.close()
            raise
        is_whole = source.count == content_length  # the parser takes what there is for all
        if not (is_whole and writer.is_used):
            writer.file.close()
        if not is_whole:
            raise BadRequest
        return parsed


class _Counted:
    """A stream that counts what was read."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        """As the stream's."""
        piece = self.stream.read(size)
        self.count += len(piece)
        return piece


class _Writer(FileUploadHandler):
    """Writes the one file of a form."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__()
        self.max_bytes = max_bytes
        self.is_used = False
        # Without a name: nothing is left of it, whatever ends the process.
        self.file = tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR)  # noqa: SIM115
        self.hash = hashlib.sha256()

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin the file. Raises InvalidInput for a second one."""
        super().new_file(*args, **kwargs)
        if self.is_used:
            raise InvalidInput(str(self.field_name), _("One file at a time."))
        self.is_used = True

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Append a piece. Raises TooLarge."""
        if start + len(raw_data) > self.max_bytes:
            raise TooLarge(self.max_bytes)
        self.file.write(raw_data)
        self.hash.update(raw_data)

    def file_complete(self, file_size: int) -> SpooledFile:
        """The whole file, from its beginning."""
        self.file.seek(0)
        found = SpooledFile(self.file, self.file_name, self.content_type, file_size)
        found.digest = self.hash.hexdigest()
        return found
