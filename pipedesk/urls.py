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
    path("", include("pipedesk.core.urls")),
]

handler400 = "pipedesk.core.problems.bad_request"
handler403 = "pipedesk.core.problems.forbidden"
handler404 = "pipedesk.core.problems.not_found"
handler500 = "pipedesk.core.problems.server_error"
