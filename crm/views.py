"""The API of companies, contacts, deals, tags, statuses and origins."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from crm.filters import DELETED, OWNER, TIMES, narrow
from crm.merge_serializers import CreatedCompanySerializer, CreatedContactSerializer
from crm.merge_views import Mergeable
from crm.models import Company, Contact, Deal, LeadOrigin, LeadStatus, Tag
from crm.models.merge import refuse_merged
from crm.serializers import (
    CompanySerializer,
    ContactSerializer,
    DealSerializer,
    LeadOriginSerializer,
    LeadStatusSerializer,
    TagSerializer,
)
from pipedesk.accounts import roles
from pipedesk.core.exceptions import Conflict
from pipedesk.core.pagination import TOTAL_CAP, Key, Order, order_named
from pipedesk.core.query import Parameter, boolean, identifier, order, text
from pipedesk.core.viewsets import RecordViewSet

NAME = Key("name")
NEWEST = Key("created_at", descending=True)
CHANGED = Key("updated_at", descending=True)
REASON = text("reason", description="Why; kept with the row.")


class SortedViewSet(RecordViewSet):
    """Rows that can be sorted by one of `sorts`; the first is the order nobody asked for."""

    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    sorts: ClassVar[dict[str, Key]]

    def order(self) -> Order:
        """As `order_by` says."""
        return order_named(self.query.get("order_by", next(iter(self.sorts))), self.sorts)

    def asks_for_deleted(self) -> bool:
        """Whether the list is of what can be restored. Raises PermissionDenied."""
        if self.action != "list" or not getattr(self, "query", {}).get("deleted"):
            return False
        if roles.granted(self.user, self.resource, roles.RESTORE) is not roles.Grant.ALL:
            raise PermissionDenied(_("You may not see what was deleted."))
        return True

    def restored(self, row: Any) -> Response:
        """The detail answer of a row that is shown again."""
        self.action = "retrieve"
        return self.row_response(row)


class SoftDeletedViewSet(SortedViewSet):
    """Rows that are hidden, not removed."""

    total_cap = TOTAL_CAP
    role_actions: ClassVar[Mapping[str, str]] = {"restore": roles.RESTORE}

    def visible_to(self, user: Any) -> QuerySet[Any]:
        """Everybody reads the whole CRM; deleted rows exist for those who may restore them."""
        rows: Any = super().visible_to(user)
        if self.action == "restore":
            return rows.deleted()  # type: ignore[no-any-return]
        if self.asks_for_deleted():
            return rows.restorable()  # type: ignore[no-any-return]
        return rows.alive()  # type: ignore[no-any-return]

    def filter_rows(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """By what each parameter of the list says."""
        return narrow(rows, self.query, self.user.pk)  # type: ignore[no-any-return]

    def perform_destroy(self, row: Any) -> None:
        """Hide the row."""
        row.soft_delete(by=str(self.user.pk), reason=self.query.get("reason"))

    def is_own(self, row: Any) -> bool:
        """Whether it is tied to a lead of the caller's."""
        return self.get_queryset().tied_to_leads_of(self.user.pk).filter(pk=row.pk).exists()  # type: ignore[attr-defined, no-any-return]

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, pk: uuid.UUID) -> Response:
        """Show a deleted row again; one that was merged comes back by undoing the merge."""
        with transaction.atomic():
            row = self.locked_object()
            refuse_merged(row)
            row.restore()
            return self.restored(row)


@extend_schema_view(create=extend_schema(responses={201: CreatedCompanySerializer}))
class CompanyViewSet(Mergeable, SoftDeletedViewSet):
    """Companies."""

    resource = "company"
    queryset = Company.objects.all()
    serializer_class = CompanySerializer
    role_actions = {**SoftDeletedViewSet.role_actions, **Mergeable.role_actions}
    sorts = {"name": NAME, "created_at": NEWEST, "updated_at": CHANGED}
    parameters: ClassVar[dict[str, tuple[Parameter, ...]]] = {
        **Mergeable.parameters,
        "list": (
            text("search", "q", description="Part of the name."),
            identifier("lead_id", description="What this lead became."),
            identifier("deal_id", description="Whose deal this is."),
            OWNER,
            *TIMES,
            DELETED,
            order(sorts),
        ),
        "destroy": (REASON,),
    }


@extend_schema_view(create=extend_schema(responses={201: CreatedContactSerializer}))
class ContactViewSet(Mergeable, SoftDeletedViewSet):
    """Contact persons."""

    resource = "contact"
    queryset = Contact.objects.all()
    serializer_class = ContactSerializer
    role_actions = {**SoftDeletedViewSet.role_actions, **Mergeable.role_actions}
    sorts = {
        "name": NAME,
        "email": Key("email", nullable=True),
        "created_at": NEWEST,
        "updated_at": CHANGED,
    }
    parameters: ClassVar[dict[str, tuple[Parameter, ...]]] = {
        **Mergeable.parameters,
        "list": (
            text("search", "q", description="Part of the name or the e-mail."),
            identifier("lead_id", description="Contacts of this lead."),
            identifier("company_id", description="Of the leads that became this company."),
            identifier("deal_id", description="Of the leads that became this deal."),
            text("email", description="The whole address, whatever its case."),
            OWNER,
            *TIMES,
            DELETED,
            order(sorts),
        ),
        "destroy": (REASON,),
    }


class DealViewSet(SoftDeletedViewSet):
    """Deals."""

    resource = "deal"
    queryset = Deal.objects.all()
    serializer_class = DealSerializer
    sorts = {"client_name": Key("title"), "created_at": NEWEST, "updated_at": CHANGED}
    parameters: ClassVar[dict[str, tuple[Parameter, ...]]] = {
        "list": (
            text("search", "q", description="Part of the client's name."),
            identifier("company_id"),
            identifier("lead_id", description="What this lead became."),
            OWNER,
            *TIMES,
            DELETED,
            order(sorts),
        ),
        "destroy": (REASON,),
    }


class ReferenceViewSet(SortedViewSet):
    """Rows that leads refer to; one in use stays."""

    def perform_destroy(self, row: Any) -> None:
        """Remove the row. Raises Conflict with the number of leads that use it."""
        # Deleted leads count: they can be restored.
        count = row.leads.count()
        if count:
            message = _("%(name)s is in use by %(count)d leads.") % {"name": row, "count": count}
            raise Conflict(message, leads=count)
        row.delete()


class TagViewSet(ReferenceViewSet):
    """Tags."""

    resource = "tag"
    queryset = Tag.objects.all()
    serializer_class = TagSerializer
    sorts = {"name": NAME}
    parameters: ClassVar[dict[str, tuple[Parameter, ...]]] = {
        "list": (text("search", "q", description="Part of the name."), order(sorts)),
    }

    def filter_rows(self, rows: QuerySet[Tag]) -> QuerySet[Tag]:
        """By a part of the name."""
        return narrow(rows, self.query, self.user.pk)  # type: ignore[no-any-return]


class CodedViewSet(ReferenceViewSet):
    """Statuses and origins."""

    sorts = {"sort_order": Key("sort_order"), "label": Key("label"), "code": Key("code")}
    parameters: ClassVar[dict[str, tuple[Parameter, ...]]] = {
        "list": (
            text("search", "q", description="Part of the label or the code."),
            text("code"),
            boolean("is_active"),
            order(sorts),
        ),
    }

    def filter_rows(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """By name, by code, and those in use or those put aside."""
        return narrow(rows, self.query, self.user.pk)  # type: ignore[no-any-return]


class LeadStatusViewSet(CodedViewSet):
    """Statuses of leads."""

    resource = "lead_status"
    queryset = LeadStatus.objects.all()
    serializer_class = LeadStatusSerializer


class LeadOriginViewSet(CodedViewSet):
    """Origins of leads."""

    resource = "lead_origin"
    queryset = LeadOrigin.objects.all()
    serializer_class = LeadOriginSerializer
