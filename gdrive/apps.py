"""Application configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GdriveConfig(AppConfig):
    """Folder trees and the mirror of Drive."""

    name = "gdrive"
    verbose_name = _("Google Drive")
    default_auto_field = "django.db.models.AutoField"
