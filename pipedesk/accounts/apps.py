"""Application configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Who works here, and what each may do."""

    name = "pipedesk.accounts"
    verbose_name = _("Users and roles")
    default_auto_field = "django.db.models.AutoField"

    def ready(self) -> None:
        """Connect the receivers."""
        from pipedesk.accounts import receivers  # noqa: F401
