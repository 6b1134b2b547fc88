"""Application configuration."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CrmConfig(AppConfig):
    """Leads, companies, contacts, deals. Knows nothing of Google."""

    name = "crm"
    verbose_name = _("CRM")
    default_auto_field = "django.db.models.AutoField"

    def ready(self) -> None:
        """Connect the receivers."""
        import_module("crm.receivers")
