"""Duplicates and merges of companies, contacts and leads."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import transaction
from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from crm import duplicates
from crm.carrying import KINDS, Kind, plain_value
from crm.forwarding import Forwarding, point_on
from crm.merge_serializers import (
    DuplicatesSerializer,
    MergedSerializer,
    MergeSerializer,
    UnmergedSerializer,
)
from crm.merging import UNDO_WITHIN, Plan, carry, prepare
from crm.models import Merge
from crm.unmerging import Undone, unmerge
from pipedesk.accounts import roles
from pipedesk.core.exceptions import Conflict
from pipedesk.core.query import Parameter, boolean, text
from pipedesk.core.viewsets import RecordViewSet

DRY_RUN = boolean("dry_run", description="Say what would happen, write nothing.")
ASKED = (
    text("name", "legal_name", "title", max_length=500, description="Its name."),
    text("email", description="Its e-mail, or that of its contact."),
    text("phone", description="Its phone, or that of its contact."),
)


class Mergeable(Forwarding, RecordViewSet):
    """Records that may be duplicates. Whoever reads a merged one is sent to the kept one."""

    role_actions: ClassVar[Mapping[str, str]] = {"merge": roles.DELETE, "unmerge": roles.DELETE}
    parameters: ClassVar[dict[str, tuple[Parameter, ...]]] = {
        "merge": (DRY_RUN,),
        "duplicates": ASKED,
    }

    @property
    def kind(self) -> Kind:
        """What a merge of these moves."""
        return KINDS[self.resource]

    # --- Duplicates --------------------------------------------------------------------------

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add a row, and say which others may be the same."""
        with transaction.atomic():
            response = super().create(request, *args, **kwargs)
            found = duplicates.find(
                self.resource,
                _known_of(response.data),
                besides=uuid.UUID(str(response.data["id"])),
            )
        response.data["possible_duplicates"] = [one.as_answer() for one in found]
        return response

    @extend_schema(responses=DuplicatesSerializer)
    @action(detail=False, methods=["get"])
    def duplicates(self, request: Request) -> Response:
        """Which records may be the same as one with these values."""
        asked = duplicates.Asked(**self.query)
        with transaction.atomic():
            found = duplicates.find(self.resource, asked)
        return Response({"data": [one.as_answer() for one in found]})

    @extend_schema(responses=DuplicatesSerializer)
    @action(detail=True, methods=["get"], url_path="duplicates", url_name="own-duplicates")
    def own_duplicates(self, request: Request, pk: uuid.UUID) -> Response:
        """Which records may be the same as this one."""
        row = self.get_object()
        with transaction.atomic():
            found = duplicates.of_row(self.resource, row.pk)
        return Response({"data": [one.as_answer() for one in found]})

    # --- Merging -----------------------------------------------------------------------------

    @extend_schema(request=MergeSerializer, responses=MergedSerializer)
    @action(detail=True, methods=["post"])
    def merge(self, request: Request, pk: uuid.UUID) -> Response:
        """Merge another record into this one; it can be taken back for 30 days."""
        dry_run = self.query.get("dry_run", False)
        body = MergeSerializer(data=request.data)
        with transaction.atomic():
            self.get_object()
            body.is_valid(raise_exception=True)
            values = body.validated_data
            plan = prepare(self.kind, pk, values["other_id"], values.get("choices", {}))
            self.locked_object()  # If-Match, now that the records are locked in their order
            row = None if dry_run else carry(plan, self.user)
        return Response(_all_that_moved(plan, row))

    @extend_schema(request=None, responses=UnmergedSerializer)
    @action(detail=True, methods=["post"])
    def unmerge(self, request: Request, pk: uuid.UUID) -> Response:
        """Take the merge back in which this record went."""
        with transaction.atomic():
            try:
                undone = unmerge(self.kind, pk, self.user)
            except Merge.DoesNotExist:
                self.get_object()
                raise Conflict(_("This record was not merged into another one.")) from None
        return Response(_all_that_returned(undone))

    # --- The way left behind -----------------------------------------------------------------

    def get_object(self) -> Any:
        """The row. Raises MovedAway where it was merged (a write: Conflict)."""
        try:
            return super().get_object()
        except Http404:
            point_on(self.kind, self.kwargs["pk"], self.request.method)
            raise

    def locked_object(self) -> Any:
        """The row, locked. Raises Conflict where it was merged."""
        try:
            return super().locked_object()
        except Http404:
            point_on(self.kind, self.kwargs["pk"], self.request.method)
            raise


def _known_of(answer: Mapping[str, Any]) -> duplicates.Asked:
    """What a new record says of itself."""
    name = answer.get("legal_name", answer.get("name"))
    others = {key: answer.get(key) for key in ("trade_name", "email", "phone")}
    return duplicates.Asked(name=name, **others)


def _all_that_moved(plan: Plan, row: Merge | None) -> dict[str, Any]:
    meta = plan.kind.model._meta  # noqa: SLF001  (documented by Django)
    return {
        "dry_run": row is None,
        "merge_id": row and row.pk,
        "kept_id": plan.kept.pk,
        "merged_id": plan.other.pk,
        "fields": [
            {
                "field": meta.get_field(name).column,
                "old": plain_value(old),
                "new": plain_value(new),
            }
            for name, (old, new) in plan.fields.items()
        ],
        "moved": plan.moved(),
        "undo_until": row and row.created_at + UNDO_WITHIN,
    }


def _all_that_returned(undone: Undone) -> dict[str, Any]:
    return {
        "merge_id": undone.row.pk,
        "kept_id": undone.row.kept_id,
        "restored_id": undone.row.merged_id,
        "returned": undone.returned,
        "stayed": undone.stayed,
        "stayed_fields": undone.stayed_fields,
    }
