"""Many leads changed in one call: all of them or none, or each that can be."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.db import DataError, IntegrityError, transaction
from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from crm.disqualification import disqualify, reopen
from crm.lead_links import change_tags, refuse_unknown_tags
from crm.lead_records import LeadRecords
from crm.models import Lead
from crm.verb_serializers import BulkResultsSerializer, BulkSerializer
from pipedesk.accounts import roles
from pipedesk.core.exceptions import Conflict, InvalidInput
from pipedesk.core.problems import exception_handler
from pipedesk.core.query import Parameter, choice

ATOMIC, BEST_EFFORT = "atomic", "best_effort"
MODE = choice(
    "mode",
    words=(ATOMIC, BEST_EFFORT),
    description="Whether one lead that cannot be changed keeps all as they are (the default).",
)
# Faults of one lead. Anything else, such as a lost connection, is a fault of the whole call.
ROW_FAULTS = (
    APIException,
    Conflict,
    DataError,
    Http404,
    IntegrityError,
    InvalidInput,
    PermissionDenied,
)
NEEDED = {"delete": roles.DELETE, "restore": roles.RESTORE}


class BulkRefused(APIException):
    """Nothing was changed, because of these leads."""

    def __init__(self, failed: list[dict[str, Any]], asked: int) -> None:
        message = _("Nothing was changed: %(failed)s of %(asked)s leads cannot be: %(why)s")
        facts = {"failed": len(failed), "asked": asked, "why": failed[0]["error"]}
        super().__init__(message % facts)
        self.status_code = failed[0]["status"]
        self.details = [
            {"field": str(row["id"]), "code": row["code"], "message": row["error"]}
            for row in failed
        ]


class LeadBulk(LeadRecords):
    """The same change of up to a thousand leads."""

    failures = {"bulk": (404,)}
    role_actions: ClassVar[Mapping[str, str]] = {"bulk": roles.CHANGE}
    parameters: ClassVar[dict[str, tuple[Parameter, ...]]] = {"bulk": (MODE,)}

    @extend_schema(request=BulkSerializer, responses=BulkResultsSerializer)
    @action(detail=False, methods=["post"])
    def bulk(self, request: Request) -> Response:
        """Set columns, add and remove tags, delete, restore, disqualify or reopen many leads."""
        body = BulkSerializer(data=request.data)
        with transaction.atomic():
            body.is_valid(raise_exception=True)
            change = _Change(self, body)
            rows = {row["id"]: row for row in change.made()}
            asked = body.validated_data["ids"]
            results = [rows.get(pk) or _failed(pk, Http404()) for pk in asked]
            failed = [row for row in results if "error" in row]
            if failed and self.query.get("mode", ATOMIC) == ATOMIC:
                raise BulkRefused(failed, len(asked))
        return Response({"results": results})


class _Change:
    """One bulk call: what to do, on whose behalf."""

    def __init__(self, view: LeadBulk, body: BulkSerializer) -> None:
        values = body.validated_data
        self.view = view
        self.ids = values["ids"]
        self.columns = values.get("set") or {}
        self.serializer: Any = body.fields["set"]
        self.tags = {"add": values["add_tags"], "remove": values["remove_tags"]}
        self.action = values.get("action")
        self.reason = values.get("reason")
        for field, tag_ids in self.tags.items():
            refuse_unknown_tags(f"{field}_tags", tag_ids)

    def made(self) -> Iterator[dict[str, Any]]:
        """Change what can be changed; yields what became of each lead the caller may know of.

        The leads are locked in one order, so that two of these never wait for each other.
        """
        leads = Lead.objects.filter(pk__in=self.ids).order_by("pk")
        locked = list(leads.select_for_update(of=("self",), no_key=True))
        rows = Lead.objects.restorable() if self.action == "restore" else Lead.objects.known()
        visible = set(rows.filter(pk__in=self.ids).values_list("pk", flat=True))
        for lead in locked:
            if lead.pk not in visible:
                continue
            try:
                with transaction.atomic():
                    self._change(lead)
            except ROW_FAULTS as failure:
                yield _failed(lead.pk, failure)
            else:
                yield {"id": lead.pk, "status": 200}

    def _change(self, lead: Lead) -> None:
        for needed in self._needed():
            grant = roles.granted(self.view.user, self.view.resource, needed)
            owned = grant is roles.Grant.OWN and self.view.is_own(lead)
            if not owned and grant is not roles.Grant.ALL:
                self.view.permission_denied(self.view.request)
        if self.action == "restore":
            lead.restore()
        self.view.take(lead, self.columns)
        if self.columns:
            self.serializer.update(lead, dict(self.columns))
        if any(self.tags.values()):
            lead.save()
            change_tags(lead, **self.tags)
        self._act(lead)

    def _needed(self) -> Iterator[str]:
        """The actions of the role table this call is made of."""
        if self.action in NEEDED:
            yield NEEDED[self.action]
        if self.columns or any(self.tags.values()) or self.action not in NEEDED:
            yield roles.CHANGE

    def _act(self, lead: Lead) -> None:
        match self.action:
            case "delete":
                lead.soft_delete()
            case "disqualify":
                disqualify(lead, self.reason)
            case "reopen":
                reopen(lead)


def _failed(pk: uuid.UUID, failure: Exception) -> dict[str, Any]:
    """What the lead's own call would have answered."""
    answer = json.loads(exception_handler(failure, {}).content)
    return {"id": pk, **{name: answer[name] for name in ("status", "error", "code", "details")}}
