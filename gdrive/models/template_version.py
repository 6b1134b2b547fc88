"""What folder templates said before."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from gdrive.models.template import DriveStructureTemplate
from pipedesk.core.models import CreatedModel, column_index


class DriveStructureTemplateVersion(CreatedModel):
    """A template as it was at one version; written with it and never changed.

    `document` is `{"name", "nodes"}`, folders nested as the API shows them, with their ids.
    """

    template = models.ForeignKey(
        DriveStructureTemplate,
        verbose_name=_("template"),
        on_delete=models.CASCADE,
        related_name="versions",
        db_index=False,  # the unique constraint begins with it
    )
    version = models.PositiveIntegerField(_("version"))
    document = models.JSONField()
    edited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("edited by"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )

    class Meta:
        db_table = "drive_structure_template_versions"
        verbose_name = _("template version")
        verbose_name_plural = _("template versions")
        ordering = ("-version", "-id")
        indexes = (column_index("drive_structure_template_versions", "edited_by_id"),)
        constraints = (
            models.UniqueConstraint(
                fields=["template", "version"], name="uq_drive_structure_template_versions"
            ),
        )

    def __str__(self) -> str:
        return f"{self.template_id} v{self.version}"
