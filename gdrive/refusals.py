"""What Drive's refusals of a change mean to the person who asked for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.utils.translation import gettext as _
from rest_framework.exceptions import NotFound as NothingHere

from gdrive import crawling, own_writes
from gdrive.models import DriveFile
from pipedesk.core.exceptions import Conflict
from pipedesk.google.errors import (
    AlreadyExists,
    Forbidden,
    Gone,
    GoogleError,
    InvalidRequest,
    NotFound,
    PreconditionFailed,
    Refused,
)

FINAL: Final = (Forbidden, InvalidRequest, AlreadyExists, Gone, PreconditionFailed)


@contextmanager
def translated(file: DriveFile) -> Iterator[None]:
    """Inside, Drive's final refusals about this file become answers people understand.

    Raises 404 where Drive does not show the file any more (the mirror says so from then on),
    Conflict for what it refuses, and where something else than the file is not found: the folder
    it was to be put into. A refused credential and passing failures stay what they are.
    """
    try:
        yield
    except NotFound as failure:
        if crawling.find(file.file_id) is not None:
            raise changed_meanwhile() from failure
        own_writes.out_of_reach(file)
        message = _("“%(name)s” is gone in Drive, or not shared with us any more.")
        raise NothingHere(message % {"name": file.name}) from failure
    except FINAL as failure:
        raise Conflict(text_of(failure), reason=failure.reason) from failure


def changed_meanwhile() -> Conflict:
    """For what is no longer as the person saw it."""
    return Conflict(_("Somebody moved or deleted this in Drive just now: look again."))


def text_of(failure: GoogleError) -> str:
    """A sentence for people; unknown reasons are quoted."""
    if isinstance(failure, Refused):
        return str(failure)
    return _("Drive refuses this (%(reason)s).") % {"reason": failure.reason or "?"}
