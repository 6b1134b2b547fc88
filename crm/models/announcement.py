"""Facts that database clients write, for the rooms above to hear of."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from pipedesk.core.models import CreatedModel


class Announcement(CreatedModel):
    """One fact, written in the transaction that made it true; a job sends the signal.

    Functions inside the database (qualify_lead) can send no signal of Python's.
    """

    class Fact(models.TextChoices):
        CREATED = "created", _("Created")
        QUALIFIED = "qualified", _("Qualified")

    fact = models.CharField(max_length=20, choices=Fact.choices)
    entity_type = models.CharField(max_length=20)
    entity_id = models.UUIDField()
    user_id = models.CharField(max_length=36, null=True, blank=True)

    class Meta:
        db_table = "crm_announcements"
        verbose_name = _("announcement")
        verbose_name_plural = _("announcements")
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.entity_type} {self.entity_id} {self.fact}"
