"""Application configuration."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from pipedesk.core.signals import pruning


class GdriveConfig(AppConfig):
    """Folder trees and the mirror of Drive."""

    name = "gdrive"
    verbose_name = _("Google Drive")
    default_auto_field = "django.db.models.AutoField"

    def ready(self) -> None:
        """Listen to the CRM, tell its timelines, keep a template for every kind of record.

        Jobs settle acts on files of every kind (gdrive.acts).
        """
        import_module("gdrive.receivers")
        import_module("gdrive.sharing")
        import_module("gdrive.trash")
        import_module("gdrive.timeline")
        pruning.connect(
            import_module("gdrive.plan_commands").drop_finished,
            dispatch_uid="gdrive.drop_finished_plans",
        )
        templates = import_module("gdrive.default_templates")
        post_migrate.connect(
            templates.after_migrate, sender=self, dispatch_uid="gdrive.default_templates"
        )
