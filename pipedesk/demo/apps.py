"""Application configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DemoConfig(AppConfig):
    """`seed_demo`."""

    name = "pipedesk.demo"
    verbose_name = _("Demo data")
    default_auto_field = "django.db.models.AutoField"
