"""Application configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WebhooksConfig(AppConfig):
    """What Google calls, and the channels it calls through."""

    name = "webhooks"
    verbose_name = _("Push")
    default_auto_field = "django.db.models.AutoField"
