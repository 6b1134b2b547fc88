"""What people said of meetings and records of the CRM, beside what follows from the guests."""

from __future__ import annotations

import uuid
from typing import Any, Final, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from gcalendar.models.event import CalendarEvent
from pipedesk.core.models import TimeStampedModel, TimeStampedQuerySet, column_index

KINDS: Final = ("contact", "lead", "company", "deal")


def _record(to: str) -> models.ForeignKey[Any, Any]:
    # The record is gone for good: there is nothing to say of it any more.
    return models.ForeignKey(
        to, null=True, blank=True, on_delete=models.CASCADE, related_name="+", db_index=False
    )


def _only(kind: str) -> Q:
    return Q(**{f"{other}__isnull": other != kind for other in KINDS})


def link_constraints(table: str) -> list[models.BaseConstraint]:
    """One record per row, one row per meeting and record; by them a record's rows are found."""
    condition = Q()
    for kind in KINDS:
        condition |= _only(kind)
    return [
        models.CheckConstraint(condition=condition, name=f"ck_{table}_one_record"),
        *(
            models.UniqueConstraint(fields=[kind, "event"], name=f"uq_{table}_{kind}")
            for kind in KINDS
        ),
    ]


class EventLinkQuerySet(TimeStampedQuerySet["EventLink"]):
    """What people said, of live meetings or of archived ones."""

    def on(self, kind: str, pk: uuid.UUID) -> Self:
        """Of one record."""
        return self.filter(**{kind: pk})


class LinkModel(TimeStampedModel):
    """Whether a meeting belongs to a record: a person's word, whatever the guests tell.

    `revoked`: it does not, also where guests would tell so. What is said of a series goes for
    its exceptions of which nothing else is said. `user`: who said it last, None where the event
    in Google says it (see `pipedesk_entity` in gcalendar.parsing).
    """

    contact = _record("crm.Contact")
    lead = _record("crm.Lead")
    company = _record("crm.Company")
    deal = _record("crm.Deal")
    revoked = models.BooleanField(_("taken back"), default=False, db_default=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.event_id}"  # type: ignore[attr-defined]  # of the two tables


class EventLink(LinkModel):
    """What was said of a live meeting."""

    event = models.ForeignKey(
        CalendarEvent, on_delete=models.CASCADE, related_name="link_rows", db_index=False
    )

    objects = EventLinkQuerySet.as_manager()

    class Meta:
        db_table = "calendar_event_links"
        verbose_name = _("link")
        verbose_name_plural = _("links")
        ordering = ("id",)
        indexes = (
            # All that was said of a meeting.
            column_index("calendar_event_links", "event_id"),
            column_index("calendar_event_links", "user_id"),
        )
        constraints = link_constraints("calendar_event_links")
