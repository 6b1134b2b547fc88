"""Folder templates."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from gdrive.models.mirror import EntityType
from pipedesk.core.models import column_index


class DriveStructureTemplateQuerySet(models.QuerySet["DriveStructureTemplate"]):
    """Templates."""

    def active_for(self, entity_type: str) -> Self:
        """The one template new folders of this entity type grow from."""
        return self.filter(entity_type=entity_type, active=True)


class DriveStructureTemplate(models.Model):
    """The folders a new lead, company, deal or contact gets."""

    name = models.CharField(_("name"), max_length=200, unique=True)
    entity_type = models.CharField(_("entity type"), max_length=20, choices=EntityType.choices)
    active = models.BooleanField(
        _("active"),
        default=True,
        db_default=True,
        help_text=_("Exactly one active template per kind of record."),
    )
    version = models.PositiveIntegerField(_("version"), default=1, db_default=1, editable=False)
    edited_at = models.DateTimeField(_("edited"), null=True, blank=True, editable=False)

    objects = DriveStructureTemplateQuerySet.as_manager()

    class Meta:
        db_table = "drive_structure_templates"
        verbose_name = _("folder template")
        verbose_name_plural = _("folder templates")
        ordering = ("entity_type", "name", "id")
        indexes = (column_index("drive_structure_templates", "entity_type"),)
        constraints = (
            models.UniqueConstraint(
                fields=["entity_type"],
                condition=models.Q(active=True),
                name="uq_drive_structure_templates_active",
                violation_error_message=_("Another template of this kind is active."),
            ),
            models.CheckConstraint(
                condition=models.Q(entity_type__in=EntityType.values),
                name="ck_drive_structure_templates_type",
            ),
        )

    def __str__(self) -> str:
        return self.name


class DriveStructureNode(models.Model):
    """One folder of a template; the name may contain placeholders like {{year}}."""

    template = models.ForeignKey(
        DriveStructureTemplate,
        verbose_name=_("template"),
        on_delete=models.CASCADE,
        related_name="nodes",
        db_index=False,
    )
    parent = models.ForeignKey(
        "self",
        verbose_name=_("inside"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="children",
        db_index=False,
    )
    name = models.CharField(_("name"), max_length=255)
    order = models.IntegerField(_("order"), default=0, db_default=0)

    class Meta:
        db_table = "drive_structure_nodes"
        verbose_name = _("folder")
        verbose_name_plural = _("folders")
        ordering = ("order", "id")
        indexes = (
            column_index("drive_structure_nodes", "template_id"),
            column_index("drive_structure_nodes", "parent_id"),
        )
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(parent=models.F("id")),
                name="ck_drive_structure_nodes_parent",
                violation_error_message=_("A folder cannot lie inside itself."),
            ),
        )

    def __str__(self) -> str:
        return self.name
