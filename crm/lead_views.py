"""The API of leads: records, the work list, tags, contacts, qualification."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from crm.filters import LEAD_PARAMETERS, LEAD_SORTS, Asker, ask
from crm.lead_links import add_contact, mark_contact, set_tags
from crm.models import Lead, LeadContact
from crm.models.lead import LeadQuerySet
from crm.qualification import Qualified, Target, qualify
from crm.sales_view import FIELDS, ORDERS, present, stored_rows, tags_of
from crm.serializers import (
    LeadContactSerializer,
    LeadSerializer,
    LeadTagsSerializer,
    QualifiedSerializer,
    QualifySerializer,
    SalesViewRowSerializer,
)
from crm.views import SortedViewSet
from pipedesk.accounts import roles
from pipedesk.core.pagination import PAGING, TOTAL_CAP, order_named, paginate
from pipedesk.core.query import Parameter, boolean, order
from pipedesk.core.viewsets import SPARSE

DRY_RUN = boolean("dry_run", description="Say what would happen, write nothing.")


class LeadViewSet(SortedViewSet):
    """Leads. Qualified ones can be looked up although they left the lists."""

    resource = "lead"
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    role_actions: ClassVar[Mapping[str, str]] = {
        "qualify": roles.CHANGE,
        "restore": roles.RESTORE,
        "put_tags": roles.CHANGE,
        "add_contact": roles.CHANGE,
        "change_contact": roles.CHANGE,
        "remove_contact": roles.CHANGE,
    }
    queryset = Lead.objects.all()
    serializer_class = LeadSerializer
    total_cap = TOTAL_CAP
    sorts = LEAD_SORTS
    parameters: ClassVar[dict[str, tuple[Parameter, ...]]] = {
        "list": (*LEAD_PARAMETERS, order(LEAD_SORTS)),
        "sales_view": (*LEAD_PARAMETERS, order(ORDERS), *PAGING, *SPARSE),
        "qualify": (DRY_RUN,),
    }

    # --- Which rows, and whose ---------------------------------------------------------------

    def visible_to(self, user: Any) -> LeadQuerySet:
        """Everybody reads the whole CRM; merely deleted leads exist for `restore` alone."""
        if self.action == "restore":
            return Lead.objects.deleted().filter(qualified_at__isnull=True)
        return Lead.objects.known()

    def is_own(self, row: Lead) -> bool:
        """Leads of one's own, and those of nobody."""
        return row.owner_id is None or row.owner_id == self.user.pk

    def filter_rows(self, rows: LeadQuerySet) -> LeadQuerySet:
        """As LEAD_PARAMETERS say."""
        return ask(rows, self.query, self.asker)

    @property
    def asker(self) -> Asker:
        """The caller, now."""
        return Asker(self.user.pk, timezone.now())

    # --- Records -----------------------------------------------------------------------------

    def perform_create(self, serializer: BaseSerializer[Lead]) -> None:
        """Store a new lead; somebody of the sales team owns what they create."""
        serializer.save(**self._owner_after(None, serializer.validated_data))

    def perform_update(self, serializer: BaseSerializer[Lead]) -> None:
        """Store the change; the first write of the sales team makes its author the owner."""
        serializer.save(**self._owner_after(serializer.instance, serializer.validated_data))

    def perform_destroy(self, row: Lead) -> None:
        """Hide the lead."""
        row.soft_delete()

    def _owner_after(self, lead: Lead | None, values: Mapping[str, Any]) -> dict[str, Any]:
        """The owner to store with these values. Raises PermissionDenied."""
        if roles.granted(self.user, self.resource, roles.CHANGE_OWNER) is roles.Grant.ALL:
            return {}
        if values.get("owner", self.user) != self.user:
            raise PermissionDenied(_("You may only take leads yourself."))
        return {"owner": self.user} if lead is None or lead.owner_id is None else {}

    def _locked_for_change(self) -> Lead:
        """The lead of this address, locked; the caller's own from now on if it was nobody's."""
        lead: Lead = self.locked_object()
        owner = self._owner_after(lead, {})
        if owner:
            lead.owner = owner["owner"]
            lead.save()
        return lead

    # --- The work list -----------------------------------------------------------------------

    @extend_schema(responses=SalesViewRowSerializer(many=True))
    @action(detail=False, url_path="sales-view", url_name="sales-view")
    def sales_view(self, request: Request) -> Response:
        """The work list: leads with what to do next."""
        wanted = self.wanted(FIELDS)
        asker = self.asker
        leads = ask(self.visible_to(self.user), self.query, asker)
        page = paginate(
            stored_rows(leads, asker.now),
            self.query,
            order_named(self.query.get("order_by", next(iter(ORDERS))), ORDERS),
            cap=TOTAL_CAP,
            count=lambda: leads.order_by()[: TOTAL_CAP + 1].count(),
        )
        shown = present(page.rows, FIELDS if wanted is None else wanted)
        return self.page_response(page, shown)

    # --- Verbs -------------------------------------------------------------------------------

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
    def restore(self, request: Request, pk: uuid.UUID) -> Response:
        """Show a deleted lead again."""
        with transaction.atomic():
            lead = self.locked_object()
            lead.restore()
        return Response(self.rendered(lead))

    # --- Tags --------------------------------------------------------------------------------

    @extend_schema(responses=LeadTagsSerializer)
    @action(detail=True, methods=["get"])
    def tags(self, request: Request, pk: uuid.UUID) -> Response:
        """The tags of the lead."""
        return self._tags(self.get_object())

    @extend_schema(request=LeadTagsSerializer, responses=LeadTagsSerializer)
    @tags.mapping.put
    def put_tags(self, request: Request, pk: uuid.UUID) -> Response:
        """Give the lead exactly these tags."""
        body = LeadTagsSerializer(data=request.data)
        with transaction.atomic():
            lead = self._locked_for_change()
            body.is_valid(raise_exception=True)
            set_tags(lead, body.validated_data["tag_ids"])
        return self._tags(lead)

    @staticmethod
    def _tags(lead: Lead) -> Response:
        found = tags_of([lead.pk]).get(lead.pk, [])
        return Response({"tag_ids": [tag["id"] for tag in found], "tags": found})

    # --- Contacts ----------------------------------------------------------------------------

    @extend_schema(responses=LeadContactSerializer(many=True))
    @action(detail=True, methods=["get"])
    def contacts(self, request: Request, pk: uuid.UUID) -> Response:
        """The contacts of the lead, the primary one first."""
        return Response({"data": self._contact_rows(self.get_object())})

    @extend_schema(request=LeadContactSerializer, responses={201: LeadContactSerializer})
    @contacts.mapping.post
    def add_contact(self, request: Request, pk: uuid.UUID) -> Response:
        """Link a contact to the lead."""
        body = LeadContactSerializer(data=request.data)
        with transaction.atomic():
            lead = self._locked_for_change()
            body.is_valid(raise_exception=True)
            link = add_contact(lead, **body.validated_data)
        return Response(LeadContactSerializer(link).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=LeadContactSerializer, responses=LeadContactSerializer)
    @action(detail=True, methods=["patch"], url_path="contacts/<uuid:contact_id>")
    def change_contact(self, request: Request, pk: uuid.UUID, contact_id: uuid.UUID) -> Response:
        """Make a contact the primary one, or no longer."""
        body = LeadContactSerializer(data=request.data, partial=True)
        with transaction.atomic():
            link = self._link(self._locked_for_change(), contact_id)
            body.is_valid(raise_exception=True)
            mark_contact(link, is_primary=body.validated_data.get("is_primary", link.is_primary))
        return Response(LeadContactSerializer(link).data)

    @extend_schema(responses={204: None})
    @change_contact.mapping.delete
    def remove_contact(self, request: Request, pk: uuid.UUID, contact_id: uuid.UUID) -> Response:
        """Take a contact from the lead."""
        with transaction.atomic():
            self._link(self._locked_for_change(), contact_id).delete()
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
