"""What to do next with a lead: the rules, once, as SQL for filter, sort and display alike.

The rule that matches first is one number; it is the urgency too. A day is 24 hours.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Case, DateTimeField, F, IntegerField, Q, Value, When
from django.db.models.functions import Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

DEFAULT_RULE: Final = 12

# Rule -> the code clients know.
CODES: Final[dict[int, str]] = {
    1: "prepare_for_meeting",
    2: "post_meeting_follow_up",
    3: "call_first_time",
    4: "handoff_to_deal",
    5: "qualify_to_company",
    6: "schedule_meeting",
    7: "call_again",
    8: "send_value_asset",
    9: "send_follow_up",
    10: "reengage_cold_lead",
    11: "disqualify",
    DEFAULT_RULE: "send_follow_up",
}
LABELS: Final[dict[str, Promise]] = {
    "prepare_for_meeting": _("Preparar para reunião"),
    "post_meeting_follow_up": _("Follow-up pós-reunião"),
    "call_first_time": _("Fazer primeira ligação"),
    "handoff_to_deal": _("Fazer handoff (para deal)"),
    "qualify_to_company": _("Qualificar para empresa"),
    "schedule_meeting": _("Agendar reunião"),
    "call_again": _("Ligar novamente"),
    "send_value_asset": _("Enviar material / valor"),
    "send_follow_up": _("Enviar follow-up"),
    "reengage_cold_lead": _("Reengajar lead frio"),
    "disqualify": _("Desqualificar / encerrar"),
}
REASONS: Final[dict[int, Promise]] = {
    1: _("Há uma reunião marcada"),
    2: _("Reunião há no máximo 3 dias, nada desde então"),
    3: _("Nenhuma interação até agora"),
    4: _("Empresa vinculada, ainda sem deal"),
    5: _("Engajamento de 70 ou mais, ainda sem empresa"),
    6: _("Engajamento de 50 ou mais"),
    7: _("Última ligação há no máximo 7 dias"),
    8: _("Engajamento de 40 ou mais, nenhum material há 14 dias"),
    9: _("Sem interação há 5 dias ou mais"),
    10: _("Sem interação há 30 dias ou mais"),
    11: _("Sem interação há 60 dias ou mais e pouco engajamento"),
    DEFAULT_RULE: _("Manter o contato"),
}
# Rule -> the time it counts from, and how far from there the action is due.
DUE: Final[dict[int, tuple[str, timedelta]]] = {
    1: ("next_meeting_at", timedelta(0)),
    2: ("last_meeting_at", timedelta(days=3)),
    7: ("last_call_at", timedelta(days=7)),
    8: ("last_value_asset_at", timedelta(days=14)),
    9: ("last_interaction_at", timedelta(days=5)),
    10: ("last_interaction_at", timedelta(days=30)),
    11: ("last_interaction_at", timedelta(days=60)),
}


@dataclass(frozen=True)
class NextAction:
    """What to do next. `due_at` is None where the rule knows no date."""

    code: str
    label: str
    reason: str
    due_at: datetime | None


def next_meeting_at(now: datetime) -> Case:
    """The start of the meeting that lies ahead of a lead, NULL where none does."""
    planned = F("activity_stats__next_event_at")
    return Case(
        When(activity_stats__next_event_at__gt=now, then=planned), output_field=DateTimeField()
    )


def last_meeting_at(now: datetime) -> Case:
    """The start of a lead's last meeting: what was planned and lies behind counts as held."""
    planned = F("activity_stats__next_event_at")
    return Case(
        When(activity_stats__next_event_at__lte=now, then=planned),
        default=F("activity_stats__last_event_at"),
        output_field=DateTimeField(),
    )


FACTS: Final = ("engagement", "next_meeting_at", "last_meeting_at")


def facts(now: datetime) -> dict[str, Any]:
    """The annotations the rules read, for `alias()` or `annotate()`."""
    return {
        "engagement": Coalesce("activity_stats__engagement_score", 0),
        "next_meeting_at": next_meeting_at(now),
        "last_meeting_at": last_meeting_at(now),
    }


def rule(now: datetime) -> Case:
    """The number of the rule that matches first. Needs `facts` on the same queryset."""
    no_company = Q(qualified_company__isnull=True)
    no_deal = Q(qualified_master_deal__isnull=True)
    going = Q(disqualified_at__isnull=True)
    no_interaction = Q(last_interaction_at__isnull=True)
    nothing_since = no_interaction | Q(last_interaction_at__lte=F("last_meeting_at"))
    asset_at = "activity_stats__last_value_asset_at"
    no_asset = Q(**{f"{asset_at}__isnull": True}) | Q(**{f"{asset_at}__lte": _ago(now, 14)})

    def silent(days: int) -> Q:
        return Q(last_interaction_at__lte=_ago(now, days))

    conditions = {
        1: Q(next_meeting_at__isnull=False),
        2: Q(last_meeting_at__gte=_ago(now, 3)) & nothing_since,
        3: no_interaction,
        4: ~no_company & no_deal & going,
        5: Q(engagement__gte=70) & no_company,
        6: Q(engagement__gte=50),
        7: Q(activity_stats__last_call_at__gte=_ago(now, 7)),
        8: Q(engagement__gte=40) & no_asset,
        11: silent(60) & Q(engagement__lt=40) & no_company & no_deal & going,
        10: silent(30) & Q(last_interaction_at__gt=_ago(now, 60)),
        9: silent(5),
    }
    return Case(
        *(When(condition, then=Value(number)) for number, condition in conditions.items()),
        default=Value(DEFAULT_RULE),
        output_field=IntegerField(),
    )


def rules_of(codes: Collection[str]) -> list[int]:
    """The rules behind these codes."""
    return [number for number, code in CODES.items() if code in codes]


def describe(number: int, row: Mapping[str, Any]) -> NextAction:
    """The rule's answer for people; `row` holds the times that DUE names."""
    name, distance = DUE.get(number, ("", timedelta(0)))
    start = row[name] if name else None
    code = CODES[number]
    return NextAction(
        code=code,
        label=str(LABELS[code]),
        reason=str(REASONS[number]),
        due_at=None if start is None else start + distance,
    )


def _ago(now: datetime, days: int) -> datetime:
    return now - timedelta(days=days)
