"""Names of uploaded files, and what they say of the content. Pure.

A name is only shown: no path, address or header is made of it.
"""

from __future__ import annotations

from mimetypes import MimeTypes
from pathlib import PurePosixPath

from gdrive.files import proper_name
from gdrive.placeholders import MAX_NAME_LENGTH, one_line

UNKNOWN_TYPE = "application/octet-stream"
MAX_SUFFIX_LENGTH = 20
# Python's own table, not the machine's; it does not know today's office documents.
TYPES = MimeTypes()
for _kind, _suffix in {
    "openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "oasis.opendocument.text": ".odt",
    "oasis.opendocument.spreadsheet": ".ods",
    "oasis.opendocument.presentation": ".odp",
}.items():
    TYPES.add_type(f"application/vnd.{_kind}", _suffix)


def file_name(text: str, field: str = "file") -> str:
    """The name as Drive keeps it; one that is too long keeps its ending.

    Raises InvalidInput where nothing is left of it.
    """
    name, line = proper_name(text, field), one_line(text)
    suffix = PurePosixPath(line).suffix
    if len(line) <= MAX_NAME_LENGTH or not suffix or len(suffix) > MAX_SUFFIX_LENGTH:
        return name
    return line[: MAX_NAME_LENGTH - len(suffix) - 1].rstrip() + "…" + suffix


def mime_type(name: str) -> str:
    """What the name says; what the client says is not believed."""
    kind, packed = TYPES.guess_type(name.lower().replace(":", "_"), strict=False)
    return f"application/x-{packed}" if packed else kind or UNKNOWN_TYPE
