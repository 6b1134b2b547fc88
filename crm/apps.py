"""Application configuration."""

from importlib import import_module

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from crm import folding, likeness
from crm.reference import fill_empty_tables


class CrmConfig(AppConfig):
    """Leads, companies, contacts, deals. Knows nothing of Google."""

    name = "crm"
    verbose_name = _("CRM")
    default_auto_field = "django.db.models.AutoField"

    def ready(self) -> None:
        """Connect the receivers, and what timelines are made of."""
        # First, so that the history of a new lead does not tell of a score nobody set.
        import_module("crm.priority_receivers")
        import_module("crm.receivers")
        import_module("crm.timeline_sources")
        import_module("crm.link_receivers")
        connection_created.connect(folding.teach_sqlite, dispatch_uid="crm.teach_sqlite")
        connection_created.connect(likeness.teach_sqlite, dispatch_uid="crm.teach_likeness")
        post_migrate.connect(fill_empty_tables, sender=self, dispatch_uid="crm.fill_empty_tables")
