"""Application configuration."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AuditConfig(AppConfig):
    """Who changed what."""

    name = "pipedesk.audit"
    verbose_name = _("Audit")
    default_auto_field = "django.db.models.AutoField"

    def ready(self) -> None:
        """Connect the receivers."""
        import_module("pipedesk.audit.receivers")
