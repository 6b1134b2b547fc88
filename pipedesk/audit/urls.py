"""Addresses of this room, below the site's root."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

from pipedesk.audit.views import AuditLogViewSet
from pipedesk.core.routing import Router

router = Router()
router.register("api/audit-logs", AuditLogViewSet, basename="audit-log")

urlpatterns: list[URLPattern | URLResolver] = router.urls
