"""Every address of the product; each room names its own, whole."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("", include("webhooks.urls")),
    path("", include("gcalendar.urls")),
    path("", include("gdrive.urls")),
    path("", include("crm.urls")),
    path("", include("pipedesk.audit.urls")),
    path("", include("pipedesk.accounts.urls")),
    path("", include("pipedesk.core.urls")),
]
