"""Leads as records: which rows, whose, and who owns them after a write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.exceptions import PermissionDenied
from rest_framework.serializers import BaseSerializer

from crm.filters import LEAD_SORTS, Asker, ask
from crm.models import Lead
from crm.models.lead import LeadQuerySet
from crm.qualification import takes_what_it_writes
from crm.serializers import LeadSerializer
from crm.views import SortedViewSet
from pipedesk.core.pagination import TOTAL_CAP


class LeadRecords(SortedViewSet):
    """The base of everything that is done with leads. Qualified ones can be looked up although
    they left the lists.
    """

    resource = "lead"
    queryset = Lead.objects.all()
    serializer_class = LeadSerializer
    total_cap = TOTAL_CAP
    sorts = LEAD_SORTS
    drifting = ("priority_score",)

    def visible_to(self, user: Any) -> LeadQuerySet:
        """Everybody reads the whole CRM; merely deleted leads exist for `restore` alone."""
        if self.action == "restore":
            return Lead.objects.restorable()
        if self.asks_for_deleted():
            return Lead.objects.restorable().filter(merged_into__isnull=True)
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

    def perform_create(self, serializer: BaseSerializer[Lead]) -> None:
        """Store a new lead; somebody of the sales team owns what they create."""
        serializer.save(**self.owner_after(None, serializer.validated_data))

    def perform_update(self, serializer: BaseSerializer[Lead]) -> None:
        """Store the change; the first write of the sales team makes its author the owner."""
        serializer.save(**self.owner_after(serializer.instance, serializer.validated_data))

    def perform_destroy(self, row: Lead) -> None:
        """Hide the lead."""
        row.soft_delete()

    def owner_after(self, lead: Lead | None, values: Mapping[str, Any]) -> dict[str, Any]:
        """The owner to store with these values. Raises PermissionDenied."""
        if not takes_what_it_writes(self.user):
            return {}
        if values.get("owner", self.user) != self.user:
            raise PermissionDenied(_("You may only take leads yourself."))
        return {"owner": self.user} if lead is None or lead.owner_id is None else {}

    def locked_and_taken(self) -> Lead:
        """The lead of this address, locked; the caller's own once it is saved, if nobody's."""
        lead: Lead = self.locked_object()
        self.take(lead, {})
        return lead

    def take(self, lead: Lead, values: Mapping[str, Any]) -> None:
        """Make the caller the owner, unsaved, as writing these values does to a lead of nobody.

        Raises PermissionDenied.
        """
        for name, owner in self.owner_after(lead, values).items():
            setattr(lead, name, owner)

    def locked_for_change(self) -> Lead:
        """The lead of this address, locked; the caller's own from now on if it was nobody's."""
        lead = self.locked_and_taken()
        lead.save()
        return lead
