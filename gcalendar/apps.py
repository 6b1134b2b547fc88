"""Application configuration."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GcalendarConfig(AppConfig):
    """The mirror of calendars."""

    name = "gcalendar"
    verbose_name = _("Google Calendar")
    default_auto_field = "django.db.models.AutoField"

    def ready(self) -> None:
        """Bring meetings to the CRM's statistics and timelines, and listen to it."""
        import_module("gcalendar.matching")
        import_module("gcalendar.timeline")
        import_module("gcalendar.receivers")
