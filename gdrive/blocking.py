"""Files nobody may upload: programs and scripts, by their names and by their first bytes."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import PurePosixPath
from typing import IO, Final

from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException

LOOK_AT: Final = 64 * 1024
MACH_O: Final = (b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe")
# The container of old office documents, and of Windows' installers.
OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# The class of an installer's root: {000C1084-0000-0000-C000-000000000046}.
INSTALLER: Final = bytes.fromhex("84100c0000000000c000000000000046")


class BlockedType(APIException):
    """A program or a script."""

    status_code = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    default_code = "unsupported_media_type"

    def __init__(self, kind: str) -> None:
        super().__init__(_("Programs and scripts are not taken (%(kind)s).") % {"kind": kind})


def refuse_name(name: str) -> None:
    """Raises BlockedType for a name that ends like a program's.

    Blanks and dots at the end do not hide an ending: Windows leaves them out.
    """
    suffix = PurePosixPath("x" + name.rstrip(" .").lower()).suffix.removeprefix(".")
    if suffix in settings.DRIVE_BLOCKED_TYPES:
        raise BlockedType(suffix)


def refuse_content(content: IO[bytes]) -> None:
    """Raises BlockedType for content that is a program's, whatever its name."""
    content.seek(0)
    kinds = _kinds(content.read(LOOK_AT), content)
    content.seek(0)
    for kind in sorted(kinds.intersection(settings.DRIVE_BLOCKED_TYPES)):
        raise BlockedType(kind)


def _kinds(head: bytes, content: IO[bytes]) -> set[str]:
    """What the first bytes look like, in words of DRIVE_BLOCKED_TYPES."""
    if head.startswith(b"MZ") and b"\x00" in head[:64]:  # a text may begin so, too
        return {"exe", "com", "scr"}
    if head.startswith((b"\x7fELF", *MACH_O)):
        return {"exe"}
    if head.startswith(b"\xca\xfe\xba\xbe"):  # Java's, or a program for two kinds of Mac
        return {"jar", "exe"}
    if head.startswith(b"#!"):
        return {"sh"}
    if head.startswith(b"PK\x03\x04") and _is_jar(head, content):
        return {"jar"}
    if head.startswith(OLE) and _is_installer(head, content):
        return {"msi"}
    return set()


def _is_jar(head: bytes, content: IO[bytes]) -> bool:
    """Office documents are archives too; only Java's have a manifest of this name."""
    size = content.seek(0, 2)
    content.seek(max(0, size - LOOK_AT))  # the archive's table of contents
    return b"META-INF/MANIFEST.MF" in head + content.read(LOOK_AT)


def _is_installer(head: bytes, content: IO[bytes]) -> bool:
    """The root's entry in the directory, whose sector the header names.

    https://learn.microsoft.com/openspecs/windows_protocols/ms-cfb
    """
    sector_size = 1 << min(int.from_bytes(head[30:32], "little"), 12)
    first = int.from_bytes(head[48:52], "little")
    content.seek((first + 1) * sector_size + 80)
    return content.read(len(INSTALLER)) == INSTALLER
