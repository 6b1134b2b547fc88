"""The way left behind by a merge: who reads the merged record is sent to the kept one."""

from __future__ import annotations

import uuid
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.carrying import Kind
from crm.merging import is_known
from pipedesk.core.exceptions import Conflict


class MovedAway(Exception):
    """The record of this address was merged into another one."""

    def __init__(self, merged_id: uuid.UUID, kept_id: uuid.UUID) -> None:
        super().__init__(str(merged_id))
        self.merged_id = merged_id
        self.kept_id = kept_id


class Forwarding(APIView):
    """A view below whose address records stand that may have been merged."""

    def handle_exception(self, exc: Exception) -> Response:
        """As always; a merged record answers where the kept one is."""
        if not isinstance(exc, MovedAway):
            return super().handle_exception(exc)
        address = self.request.get_full_path()
        return Response(
            {"merged_into": str(exc.kept_id)},
            status=status.HTTP_307_TEMPORARY_REDIRECT,
            headers={"Location": address.replace(str(exc.merged_id), str(exc.kept_id), 1)},
        )


def point_on(kind: Kind, pk: uuid.UUID, method: str | None) -> None:
    """Raises MovedAway where the record was merged, Conflict where somebody wants to write it."""
    kept = kept_record(kind, pk)
    if kept is None:
        return
    if method in ("GET", "HEAD"):
        raise MovedAway(pk, kept.pk)
    message = _("Merged into “%(name)s” (%(id)s); go on there.")
    raise Conflict(message % {"name": kept, "id": kept.pk}, merged_into=str(kept.pk))


def kept_record(kind: Kind, pk: uuid.UUID) -> Any:
    """The record at the end of a chain of merges, or None: not merged, or that one is gone."""
    rows = kind.model.objects.all()
    row = rows.filter(pk=pk, merged_into__isnull=False).first()
    while row is not None and row.merged_into_id is not None:
        row = rows.filter(pk=row.merged_into_id).first()
    return row if row is not None and is_known(row) else None
