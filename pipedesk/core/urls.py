"""Addresses of this room, below the site's root."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

from pipedesk.core.docs import DocsView, SchemaView
from pipedesk.core.health import healthz, readyz
from pipedesk.core.people import MeView, UserRoleViewSet, UserViewSet
from pipedesk.core.routing import Router, route

router = Router()
router.register("api/users", UserViewSet, basename="user")
router.register("api/user-roles", UserRoleViewSet, basename="user-role")

urlpatterns: list[URLPattern | URLResolver] = [
    *router.urls,
    route("api/me", MeView.as_view(), name="me"),
    route("api/schema", SchemaView.as_view(), name="schema"),
    route("api/docs", DocsView.as_view(), name="docs"),
    route("healthz", healthz, name="healthz"),
    route("readyz", readyz, name="readyz"),
]
