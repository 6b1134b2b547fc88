"""Application configuration."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from pipedesk.core.logs import configure_structlog


class CoreConfig(AppConfig):
    """Bases every other room stands on."""

    name = "pipedesk.core"
    verbose_name = _("Work and keys")
    default_auto_field = "django.db.models.AutoField"

    def ready(self) -> None:
        """Connect what needs the models."""
        import_module("pipedesk.core.checks")
        import_module("pipedesk.core.queue_checks")
        configure_structlog()
        import_module("pipedesk.core.receivers").connect(self)
