"""What people do with a lead beside editing it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from crm.disqualification import disqualify, reopen
from crm.lead_records import LeadRecords
from crm.models import Lead
from crm.models.merge import refuse_merged
from crm.qualification import Qualified, Target, qualify
from crm.serializers import LeadSerializer
from crm.unqualification import unqualify
from crm.verb_serializers import (
    ChangeOwnerSerializer,
    DisqualifySerializer,
    QualifiedSerializer,
    QualifySerializer,
)
from pipedesk.accounts import roles
from pipedesk.core.query import Parameter, boolean

DRY_RUN = boolean("dry_run", description="Say what would happen, write nothing.")


class LeadVerbs(LeadRecords):
    """Qualify and back, disqualify and back, give to somebody, restore."""

    role_actions: ClassVar[Mapping[str, str]] = {
        "qualify": roles.CHANGE,
        "unqualify": roles.CHANGE,
        "disqualify": roles.CHANGE,
        "reopen": roles.CHANGE,
        "change_owner": roles.CHANGE,
        "restore": roles.RESTORE,
    }
    parameters: ClassVar[dict[str, tuple[Parameter, ...]]] = {"qualify": (DRY_RUN,)}

    @extend_schema(request=QualifySerializer, responses=QualifiedSerializer)
    @action(detail=True, methods=["post"])
    def qualify(self, request: Request, pk: uuid.UUID) -> Response:
        """Make a customer of the lead."""
        dry_run = self.query.get("dry_run", False)
        body = QualifySerializer(data=request.data)
        with transaction.atomic():
            lead = self.locked_object()
            body.is_valid(raise_exception=True)
            outcome = qualify(lead.pk, _target(body.validated_data), self.user, dry_run=dry_run)
        return Response(_all_that_moved(outcome, self.rendered(outcome.lead), dry_run=dry_run))

    @extend_schema(request=None, responses=LeadSerializer)
    @action(detail=True, methods=["post"])
    def unqualify(self, request: Request, pk: uuid.UUID) -> Response:
        """Make a lead of the customer again, within 30 days."""
        with transaction.atomic():
            lead = self.locked_and_taken()
            unqualify(lead, self.user)
            return self.row_response(lead)

    @extend_schema(request=DisqualifySerializer, responses=LeadSerializer)
    @action(detail=True, methods=["post"])
    def disqualify(self, request: Request, pk: uuid.UUID) -> Response:
        """Give the lead up."""
        body = DisqualifySerializer(data=request.data)
        with transaction.atomic():
            lead = self.locked_and_taken()
            body.is_valid(raise_exception=True)
            disqualify(lead, body.validated_data["reason"])
            return self.row_response(lead)

    @extend_schema(request=None, responses=LeadSerializer)
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: uuid.UUID) -> Response:
        """Take the lead up again."""
        with transaction.atomic():
            lead = self.locked_and_taken()
            reopen(lead)
            return self.row_response(lead)

    @extend_schema(request=ChangeOwnerSerializer, responses=LeadSerializer)
    @action(detail=True, methods=["post"], url_path="change-owner")
    def change_owner(self, request: Request, pk: uuid.UUID) -> Response:
        """Give the lead to somebody, or to nobody."""
        body = ChangeOwnerSerializer(data=request.data)
        with transaction.atomic():
            lead: Lead = self.locked_object()
            body.is_valid(raise_exception=True)
            self.owner_after(lead, body.validated_data)  # refuses what the role does not allow
            lead.owner = body.validated_data["owner"]
            lead.save()
            return self.row_response(lead)

    @extend_schema(request=None, responses=LeadSerializer)
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, pk: uuid.UUID) -> Response:
        """Show a deleted lead again."""
        with transaction.atomic():
            lead = self.locked_object()
            refuse_merged(lead)
            lead.restore()
            return self.restored(lead)


def _target(values: Mapping[str, Any]) -> Target:
    company, deal = values.get("new_company"), values.get("new_deal")
    return Target(
        deal_id=values.get("deal_id"),
        company_id=values.get("company_id"),
        new_company_name=None if company is None else company["name"],
        new_deal_title=None if deal is None else deal["title"],
    )


def _all_that_moved(outcome: Qualified, lead: dict[str, Any], *, dry_run: bool) -> dict[str, Any]:
    def named(row: Any, is_new: bool) -> dict[str, Any] | None:
        if row is None:
            return None
        unsaved = row._state.adding  # noqa: SLF001  (Django's documented attribute)
        return {"id": None if unsaved else row.pk, "name": str(row), "is_new": is_new}

    return {
        "dry_run": dry_run,
        "lead": lead,
        "company": named(outcome.company, outcome.company_is_new),
        "deal": named(outcome.deal, outcome.deal_is_new),
        "contact_ids": outcome.contact_ids,
        "tag_ids": outcome.tag_ids,
    }
