"""Application configuration."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WebhooksConfig(AppConfig):
    """What Google calls, and the channels it calls through."""

    name = "webhooks"
    verbose_name = _("Push")
    default_auto_field = "django.db.models.AutoField"

    def ready(self) -> None:
        """Register the check, connect the receivers."""
        import_module("webhooks.checks")
        import_module("webhooks.overview")
        import_module("webhooks.receivers").connect()
