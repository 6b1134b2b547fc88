"""The stored scores of leads: the formula as SQL, and the writes that keep them true.

`priority_score` is the score in force: the one a person set, else the computed one. Writing
it here is a machine's doing: no interaction, no history, no other column moves.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import (
    BigIntegerField,
    Case,
    DateTimeField,
    DurationField,
    ExpressionWrapper,
    F,
    Func,
    IntegerField,
    QuerySet,
    Subquery,
    UUIDField,
    Value,
    When,
)
from django.db.models.expressions import Combinable, Expression
from django.db.models.functions import Cast, Coalesce, Greatest, Least

from crm.models import Lead, LeadActivityStats, PriorityFormula
from crm.models.lead import LeadQuerySet
from crm.priority import MAX_SCORE, Formula, Part, parts

FULL_ENGAGEMENT: Final = 100
# Stand in the kept statement for what it is called with.
SOME_LEAD: Final = uuid.UUID(int=0)
SOME_TIME: Final = datetime(9999, 1, 1, tzinfo=UTC)


class WholeDays(Func):
    """The whole 24-hour days of an elapsed time, cut towards zero."""

    arity = 1
    output_field = BigIntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Subtracting two moments gives an interval of days and the rest of a day."""
        template = "EXTRACT(DAY FROM %(expressions)s)::bigint"
        return self.as_sql(compiler, connection, template=template, **context)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Elapsed times are whole microseconds."""
        template = "(%(expressions)s / 86400000000)"
        return self.as_sql(compiler, connection, template=template, **context)


def effective(now: datetime, formula: Formula | None = None) -> Expression:
    """The score in force, for a queryset of leads. None: the formula as stored."""
    return Coalesce(F("manual_priority_score"), computed(now, formula))


def computed(now: datetime, formula: Formula | None = None) -> Expression:
    """The score by the formula, for a queryset of leads; agrees with `priority.parts`.

    All in whole numbers: the sum is multiplied by what its parts are divided by, so that no
    half is lost. Numerators below zero, which division cuts and does not floor, are clamped.
    """
    recency_points, recency_days, meeting_points, engagement_points = _numbers(formula)
    elapsed = ExpressionWrapper(
        Value(now, output_field=DateTimeField()) - F("last_interaction_at"),
        output_field=DurationField(),
    )
    days_left = Case(
        When(
            last_interaction_at__isnull=False,
            then=Greatest(_whole(0), recency_days - Greatest(_whole(0), WholeDays(elapsed))),
        ),
        default=_whole(0),
    )
    meeting = Case(When(activity_stats__next_event_at__gt=now, then=meeting_points), default=0)
    engagement = Greatest(
        _whole(0), Least(_whole(FULL_ENGAGEMENT), _number("activity_stats__engagement_score"))
    )
    plain = _number("lead_status__priority_weight") + _number("lead_origin__priority_weight")
    hundredfold = (
        (plain + meeting) * FULL_ENGAGEMENT * recency_days
        + recency_points * days_left * FULL_ENGAGEMENT
        + engagement_points * engagement * recency_days
    )
    # (2 n + d) / 2 d, cut, is n / d with halves rounded up.
    divisor = recency_days * FULL_ENGAGEMENT
    rounded = (hundredfold * 2 + divisor) / (divisor * 2)
    clamped = Least(_whole(MAX_SCORE), Greatest(_whole(0), rounded))
    return Cast(clamped, IntegerField())


def explain(lead_id: uuid.UUID, now: datetime) -> list[Part]:
    """The parts of the lead's computed score."""
    leads = Lead.objects.select_related("lead_status", "lead_origin", "activity_stats")
    lead = leads.get(pk=lead_id)
    status, origin = lead.lead_status, lead.lead_origin
    # Without a statistics row the relation is an attribute that is missing.
    stats: LeadActivityStats | None = getattr(lead, "activity_stats", None)
    meeting_at = stats.next_event_at if stats else None
    return parts(
        PriorityFormula.objects.current(),
        status_weight=status.priority_weight if status else 0,
        origin_weight=origin.priority_weight if origin else 0,
        last_interaction_at=lead.last_interaction_at,
        meeting_ahead=meeting_at is not None and meeting_at > now,
        engagement=stats.engagement_score if stats else 0,
        now=now,
    )


def stale(leads: LeadQuerySet, now: datetime, formula: Formula | None = None) -> QuerySet[Any, Any]:
    """Those of the leads whose stored score is another; `fresh` is what it should be."""
    scored: QuerySet[Any, Any] = leads.annotate(fresh=effective(now, formula))
    return scored.exclude(priority_score=F("fresh"))


def rescore(lead_ids: Collection[uuid.UUID], now: datetime) -> int:
    """Store the scores in force of these leads; returns how many were written.

    For whoever changed what a score is made of, in the same transaction and after that
    change. Waits for leads that others are writing, in the order of their ids.
    """
    with transaction.atomic():
        return len(write(lock(Lead.objects.filter(pk__in=lead_ids)), now))


def lock(leads: LeadQuerySet, *, skip_locked: bool = False) -> list[uuid.UUID]:
    """Lock these leads until the transaction ends, in the order of their ids."""
    rows = leads.order_by("pk").select_for_update(no_key=True, skip_locked=skip_locked)
    return list(rows.values_list("pk", flat=True))


def write(lead_ids: Collection[uuid.UUID], now: datetime) -> dict[uuid.UUID, int]:
    """Store the scores in force of these locked leads, in one statement.

    Returns the new score of each lead that had another. Locking and writing are two
    statements because each sees the database as it is when it begins.
    """
    if not lead_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(*_statement(lead_ids, now))
        rows = cursor.fetchall()
    return {uuid.UUID(str(key)): score for key, score in rows}


def _statement(lead_ids: Collection[uuid.UUID], now: datetime) -> tuple[str, Sequence[Any]]:
    """The update and its values. That of one lead comes with every save: it is kept."""
    if len(lead_ids) > 1:
        return _compiled(lead_ids, now)
    statement, values = _of_one_lead()
    [lead_id] = lead_ids
    meant = {_stored(SOME_LEAD): _stored(lead_id), _stored(SOME_TIME): _stored(now)}
    return statement, [meant.get(value, value) for value in values]


@cache
def _of_one_lead() -> tuple[str, Sequence[Any]]:
    return _compiled([SOME_LEAD], SOME_TIME)


def _compiled(lead_ids: Collection[uuid.UUID], now: datetime) -> tuple[str, Sequence[Any]]:
    fresh = stale(Lead.objects.filter(pk__in=lead_ids), now).order_by()
    select, values = fresh.values("fresh", lead_key=F("pk")).query.sql_with_params()
    statement = (
        "UPDATE leads SET priority_score = changed.fresh"  # noqa: S608  (values are parameters)
        f" FROM ({select}) AS changed WHERE leads.id = changed.lead_key"
        " RETURNING leads.id, leads.priority_score"
    )
    return statement, values


def _stored(value: uuid.UUID | datetime) -> Any:
    """The value as a parameter of this database."""
    field = UUIDField() if isinstance(value, uuid.UUID) else DateTimeField()
    return field.get_db_prep_value(value, connection)


def _numbers(formula: Formula | None) -> list[Any]:
    names = ("recency_points", "recency_days", "meeting_points", "engagement_points")
    if formula is not None:
        return [_whole(getattr(formula, name)) for name in names]
    stored = PriorityFormula.objects.filter(pk=PriorityFormula.ONLY)
    initial = PriorityFormula()
    return [
        Cast(
            Coalesce(Subquery(stored.values(name)), Value(getattr(initial, name))),
            BigIntegerField(),
        )
        for name in names
    ]


def _whole(number: int) -> Expression:
    return Cast(Value(number), BigIntegerField())


def _number(column: str) -> Combinable:
    """The column, 0 where the row or the value is missing."""
    return Cast(Coalesce(F(column), Value(0)), BigIntegerField())
