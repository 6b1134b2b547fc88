"""The API of companies, contacts, deals, tags, statuses and origins."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from crm.models import Company, Contact, Deal, LeadOrigin, LeadStatus, Tag
from crm.serializers import (
    CompanySerializer,
    ContactSerializer,
    DealSerializer,
    LeadOriginSerializer,
    LeadStatusSerializer,
    TagSerializer,
)
from pipedesk.core.exceptions import Conflict
from pipedesk.core.pagination import Key, Order, order_named
from pipedesk.core.query import Parameter, boolean, identifier, order, text
from pipedesk.core.viewsets import RecordViewSet

NAME = Key("name")
NEWEST = Key("created_at", descending=True)
CHANGED = Key("updated_at", descending=True)
REASON = text("reason", description="Why; kept with the row.")


class SortedViewSet(RecordViewSet):
    """Rows that can be sorted by one of `sorts`; the first is the order nobody asked for."""

    sorts: ClassVar[dict[str, Key]]

    def order(self) -> Order:
        """As `order_by` says."""
        return order_named(self.query.get("order_by", next(iter(self.sorts))), self.sorts)


class SoftDeletedViewSet(SortedViewSet):
    """Rows that are hidden, not removed."""

    def visible_to(self, user: Any) -> QuerySet[Any]:
        """Everybody reads the whole CRM; deleted rows do not exist."""
        return super().visible_to(user).alive()  # type: ignore[attr-defined, no-any-return]

    def filter_rows(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """By a part of the name."""
        if "search" in self.query:
            rows = rows.named_like(self.query["search"])  # type: ignore[attr-defined]
        return rows

    def perform_destroy(self, row: Any) -> None:
        """Hide the row."""
        row.soft_delete(by=str(self.user.pk), reason=self.query.get("reason"))

    def is_own(self, row: Any) -> bool:
        """Whether it is tied to a lead of the caller's."""
        return self.get_queryset().tied_to_leads_of(self.user.pk).filter(pk=row.pk).exists()  # type: ignore[attr-defined, no-any-return]


class CompanyViewSet(SoftDeletedViewSet):
    """Companies."""

    resource = "company"
    queryset = Company.objects.all()
    serializer_class = CompanySerializer
    sorts = {"name": NAME, "created_at": NEWEST, "updated_at": CHANGED}
    parameters: ClassVar[dict[str, tuple[Parameter, ...]]] = {
        "list": (text("search", "q", description="Part of the name."), order(sorts)),
        "destroy": (REASON,),
    }


class ContactViewSet(SoftDeletedViewSet):
    """Contact persons."""

    resource = "contact"
    queryset = Contact.objects.all()
    serializer_class = ContactSerializer
    sorts = {"name": NAME, "created_at": NEWEST, "updated_at": CHANGED}
    parameters: ClassVar[dict[str, tuple[Parameter, ...]]] = {
        "list": (
            text("search", "q", description="Part of the name or the e-mail."),
            identifier("lead_id", description="Contacts of this lead."),
            text("email", description="The whole address, whatever its case."),
            order(sorts),
        ),
        "destroy": (REASON,),
    }

    def filter_rows(self, rows: QuerySet[Contact]) -> QuerySet[Contact]:
        """By name, lead and address."""
        rows = super().filter_rows(rows)
        if "lead_id" in self.query:
            rows = rows.filter(leadcontact__lead_id=self.query["lead_id"])
        if "email" in self.query:
            rows = rows.filter(email__iexact=self.query["email"])
        return rows


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
            order(sorts),
        ),
        "destroy": (REASON,),
    }

    def filter_rows(self, rows: QuerySet[Deal]) -> QuerySet[Deal]:
        """By name and company."""
        rows = super().filter_rows(rows)
        if "company_id" in self.query:
            rows = rows.filter(company_id=self.query["company_id"])
        return rows


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
        if "search" in self.query:
            rows = rows.named_like(self.query["search"])  # type: ignore[attr-defined]
        return rows


class CodedViewSet(ReferenceViewSet):
    """Statuses and origins."""

    sorts = {"sort_order": Key("sort_order"), "label": Key("label"), "code": Key("code")}
    parameters: ClassVar[dict[str, tuple[Parameter, ...]]] = {
        "list": (boolean("is_active"), order(sorts)),
    }

    def filter_rows(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Those in use, or those put aside."""
        if "is_active" in self.query:
            rows = rows.filter(is_active=self.query["is_active"])
        return rows


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
