"""Tags on leads."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.folding import Fold, containing
from pipedesk.core.models import new_uuid_field


class TagQuerySet(models.QuerySet["Tag"]):
    """Tags."""

    def named(self, name: str) -> Self:
        """By the whole name, whatever case and accents."""
        return self.alias(folded=Fold("name")).filter(folded=Fold(models.Value(name)))

    def named_like(self, text: str) -> Self:
        """By a part of the name, whatever case and accents."""
        return self.filter(containing(text, "name"))


class Tag(models.Model):
    """A label that people put on leads."""

    id = new_uuid_field()
    name = models.CharField(_("name"), max_length=100, unique=True)
    color = models.CharField(_("colour"), max_length=20, null=True, blank=True)

    objects = TagQuerySet.as_manager()

    class Meta:
        db_table = "tags"
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        ordering = ("name", "id")

    def __str__(self) -> str:
        return self.name
