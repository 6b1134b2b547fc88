"""What the admin's first page says about leads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm import priority
from crm.models import Lead
from pipedesk.core.dashboard import Number, Part, Row, dashboard

if TYPE_CHECKING:
    from django.http import HttpRequest

SHOWN = 8


@dashboard.part(10)
def leads(request: HttpRequest) -> Part | None:
    """Open leads in numbers, and the hottest."""
    if not request.user.has_perm("crm.view_lead"):
        return None
    page = reverse("admin:crm_lead_changelist")
    waiting = Lead.objects.in_work_list()
    hottest = waiting.select_related("lead_status", "owner").order_by("-priority_score", "pk")
    counted = waiting.aggregate(
        open=Count("pk"),
        hot=Count("pk", filter=Q(priority_score__gte=priority.HOT)),
        unowned=Count("pk", filter=Q(owner__isnull=True)),
        own=Count("pk", filter=Q(owner=request.user.pk)),
    )
    return Part(
        title=_("Hottest leads"),
        numbers=(
            Number(_("open leads"), counted["open"], page),
            Number(_("hot"), counted["hot"], f"{page}?bucket=hot"),
            Number(_("yours"), counted["own"], f"{page}?owner=me"),
            Number(_("without owner"), counted["unowned"], f"{page}?owner=nobody"),
        ),
        rows=tuple(_row(lead) for lead in hottest[:SHOWN]),
        empty=_("No open leads."),
    )


def _row(lead: Lead) -> Row:
    status = lead.lead_status.label if lead.lead_status else ""
    owner = str(lead.owner) if lead.owner else gettext("nobody")
    bucket = priority.bucket(lead.priority_score)
    return Row(
        text=lead.title,
        url=reverse("admin:crm_lead_change", args=(lead.pk,)),
        second=" · ".join(filter(None, (status, owner, lead.address_city))),
        state=str(lead.priority_score),
        level={"hot": "bad", "warm": "warm", "cold": "waiting"}[bucket],
    )
