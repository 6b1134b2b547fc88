"""The numbers of the priority score that staff may change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from pipedesk.core.work import Work, WorkQuerySet

# What people set; the other columns are the job's.
NUMBERS: Final = ("recency_points", "recency_days", "meeting_points", "engagement_points")
_points = (MinValueValidator(0), MaxValueValidator(100))


class PriorityFormulaQuerySet(WorkQuerySet["PriorityFormula"]):
    """The one row there is."""

    def current(self) -> PriorityFormula:
        """The formula in force; the defaults where nobody changed anything."""
        return self.filter(pk=PriorityFormula.ONLY).first() or PriorityFormula()

    def request_rescore(self) -> None:
        """Have the scores of all leads computed anew by a job, even if it was given up before."""
        self.get_or_create(pk=PriorityFormula.ONLY)
        if not self.revive():
            self.request(PriorityFormula.ONLY)


class PriorityFormula(Work):
    """How many points each part of a lead's priority score gives at most.

    One row. The points of statuses and origins stand in their own tables. Its work is to
    compute the scores of all leads anew.
    """

    task = "crm.tasks.rescore_leads"
    ONLY: Final = 1

    id = models.SmallIntegerField(primary_key=True, default=ONLY, editable=False)
    recency_points = models.IntegerField(
        _("points of a fresh interaction"), default=40, db_default=40, validators=_points
    )
    recency_days = models.IntegerField(
        _("days until they are gone"),
        default=30,
        db_default=30,
        validators=(MinValueValidator(1), MaxValueValidator(365)),
    )
    meeting_points = models.IntegerField(
        _("points of a meeting ahead"), default=25, db_default=25, validators=_points
    )
    engagement_points = models.IntegerField(
        _("points of full engagement"), default=20, db_default=20, validators=_points
    )

    objects = PriorityFormulaQuerySet.as_manager()

    class Meta:
        db_table = "priority_formula"
        verbose_name = _("priority formula")
        verbose_name_plural = _("priority formula")
        constraints = (
            models.CheckConstraint(condition=Q(id=1), name="ck_priority_formula_one_row"),
            models.CheckConstraint(
                condition=Q(
                    recency_points__range=(0, 100),
                    recency_days__range=(1, 365),
                    meeting_points__range=(0, 100),
                    engagement_points__range=(0, 100),
                ),
                name="ck_priority_formula_range",
                violation_error_message=_("Points are 0 to 100, days 1 to 365."),
            ),
        )

    def __str__(self) -> str:
        return str(self._meta.verbose_name)

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Insert the row, or write its numbers: a job may hold the rest of it."""
        if update_fields is None and not self._state.adding:
            update_fields = NUMBERS
        super().save(*args, update_fields=update_fields, **kwargs)
