"""The API of leads: records, the work list, tags, contacts, qualification."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import transaction
from django.http import Http404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from crm.bulk import LeadBulk
from crm.filters import DELETED, LEAD_PARAMETERS, LEAD_SORTS, ask
from crm.interaction_views import LeadInteractions
from crm.lead_links import add_contact, mark_contact, set_tags
from crm.lead_priority_views import LeadPriority
from crm.lead_records import LeadRecords
from crm.lead_verbs import LeadVerbs
from crm.merge_serializers import CreatedLeadSerializer
from crm.merge_views import Mergeable
from crm.models import Lead, LeadContact
from crm.sales_view import FIELDS, ORDERS, is_found_by_key, keyed, present, stored_rows, tags_of
from crm.serializers import (
    LeadContactSerializer,
    LeadContactsSerializer,
    LeadTagsSerializer,
    SalesViewRowSerializer,
)
from pipedesk.accounts import roles
from pipedesk.core.etags import entity_tag
from pipedesk.core.pagination import PAGING, TOTAL_CAP, order_named, paginate
from pipedesk.core.query import Parameter, order
from pipedesk.core.viewsets import SPARSE


@extend_schema_view(create=extend_schema(responses={201: CreatedLeadSerializer}))
class LeadMerging(Mergeable, LeadRecords):
    """Duplicates and merges of leads."""


class LeadViewSet(LeadVerbs, LeadPriority, LeadInteractions, LeadBulk, LeadMerging):
    """Leads: records, verbs, interactions, the work list, tags, contacts."""

    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    role_actions: ClassVar[Mapping[str, str]] = {
        **LeadVerbs.role_actions,
        **LeadPriority.role_actions,
        **LeadBulk.role_actions,
        **LeadMerging.role_actions,
        **LeadInteractions.role_actions,
        "put_tags": roles.CHANGE,
        "add_contact": roles.CHANGE,
        "change_contact": roles.CHANGE,
        "remove_contact": roles.CHANGE,
    }
    parameters: ClassVar[dict[str, tuple[Parameter, ...]]] = {
        **LeadVerbs.parameters,
        **LeadBulk.parameters,
        **LeadMerging.parameters,
        "list": (*LEAD_PARAMETERS, DELETED, order(LEAD_SORTS)),
        **LeadInteractions.parameters,
        "sales_view": (*LEAD_PARAMETERS, order(ORDERS), *PAGING, *SPARSE),
    }

    # --- The work list -----------------------------------------------------------------------

    @extend_schema(responses=SalesViewRowSerializer(many=True))
    @action(detail=False, url_path="sales-view", url_name="sales-view")
    def sales_view(self, request: Request) -> Response:
        """The work list: leads with what to do next."""
        wanted = self.wanted(FIELDS)
        asker = self.asker
        leads = ask(self.visible_to(self.user), self.query, asker)
        order_by = self.query.get("order_by", next(iter(ORDERS)))
        by_key = is_found_by_key(self.query, order_by)
        page = paginate(
            keyed(leads, order_by, asker.now) if by_key else stored_rows(leads, asker.now),
            self.query,
            order_named(order_by, ORDERS),
            cap=TOTAL_CAP,
            count=lambda: leads.order_by()[: TOTAL_CAP + 1].count(),
            widen=(lambda found: stored_rows(found, asker.now)) if by_key else None,
        )
        shown = present(page.rows, FIELDS if wanted is None else wanted)
        return self.page_response(page, shown)

    def compared(self, row: Lead) -> dict[str, Any]:
        """Of the tags and the contacts, those; else the lead."""
        if self.action == "put_tags":
            return self._tags(row)
        if self.action in ("add_contact", "change_contact", "remove_contact"):
            return {"data": self._contact_rows(row)}
        return super().compared(row)

    # --- Tags --------------------------------------------------------------------------------

    @extend_schema(responses=LeadTagsSerializer)
    @action(detail=True, methods=["get"])
    def tags(self, request: Request, pk: uuid.UUID) -> Response:
        """The tags of the lead."""
        return self.tagged_response(self._tags(self.get_object()))

    @extend_schema(request=LeadTagsSerializer, responses=LeadTagsSerializer)
    @tags.mapping.put
    def put_tags(self, request: Request, pk: uuid.UUID) -> Response:
        """Give the lead exactly these tags."""
        body = LeadTagsSerializer(data=request.data)
        with transaction.atomic():
            lead = self.locked_for_change()
            body.is_valid(raise_exception=True)
            set_tags(lead, body.validated_data["tag_ids"])
        answer = self._tags(lead)
        return Response(answer, headers={"ETag": entity_tag(answer)})

    @staticmethod
    def _tags(lead: Lead) -> dict[str, Any]:
        found = tags_of([lead.pk]).get(lead.pk, [])
        return {"tag_ids": [tag["id"] for tag in found], "tags": found}

    # --- Contacts ----------------------------------------------------------------------------

    @extend_schema(responses=LeadContactsSerializer)
    @action(detail=True, methods=["get"])
    def contacts(self, request: Request, pk: uuid.UUID) -> Response:
        """The contacts of the lead, the primary one first."""
        return self.tagged_response({"data": self._contact_rows(self.get_object())})

    @extend_schema(request=LeadContactSerializer, responses={201: LeadContactSerializer})
    @contacts.mapping.post
    def add_contact(self, request: Request, pk: uuid.UUID) -> Response:
        """Link a contact to the lead."""
        body = LeadContactSerializer(data=request.data)
        with transaction.atomic():
            lead = self.locked_for_change()
            body.is_valid(raise_exception=True)
            link = add_contact(lead, **body.validated_data)
        return Response(LeadContactSerializer(link).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=LeadContactSerializer, responses=LeadContactSerializer)
    @action(detail=True, methods=["patch"], url_path="contacts/<uuid:contact_id>")
    def change_contact(self, request: Request, pk: uuid.UUID, contact_id: uuid.UUID) -> Response:
        """Make a contact the primary one, or no longer."""
        body = LeadContactSerializer(data=request.data, partial=True)
        with transaction.atomic():
            link = self._link(self.locked_for_change(), contact_id)
            body.is_valid(raise_exception=True)
            mark_contact(link, is_primary=body.validated_data.get("is_primary", link.is_primary))
        return Response(LeadContactSerializer(link).data)

    @extend_schema(responses={204: None})
    @change_contact.mapping.delete
    def remove_contact(self, request: Request, pk: uuid.UUID, contact_id: uuid.UUID) -> Response:
        """Take a contact from the lead."""
        with transaction.atomic():
            self._link(self.locked_for_change(), contact_id).delete()
        return Response(status=status.HTTP_204_NO_CONTENT)

    @staticmethod
    def _link(lead: Lead, contact_id: uuid.UUID) -> LeadContact:
        links = LeadContact.objects.select_related("lead", "contact")
        link = links.filter(lead=lead, contact_id=contact_id).first()
        if link is None:
            raise Http404
        return link

    @staticmethod
    def _contact_rows(lead: Lead) -> Any:
        links = LeadContact.objects.filter(lead=lead, contact__deleted_at__isnull=True)
        ordered = links.select_related("contact").order_by("-is_primary", "added_at", "contact_id")
        return LeadContactSerializer(ordered, many=True).data
