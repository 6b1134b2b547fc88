"""Addresses of this room, below the site's root."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path, re_path

from pipedesk.core.routing import Router, route
from webhooks.api import CalendarWatchView, DriveChannelViewSet
from webhooks.metrics import metrics
from webhooks.status_views import StatusView
from webhooks.views import RECEIVER, receive, robots

router = Router()
router.register("api/drive/channels", DriveChannelViewSet, basename="drive-channel")

urlpatterns: list[URLPattern | URLResolver] = [
    re_path(f"^{RECEIVER.pattern.removeprefix('/')}$", receive, name="google-webhook"),
    path("robots.txt", robots),
    path("metrics", metrics, name="metrics"),
    route("api/calendar/watch", CalendarWatchView.as_view(), name="calendar-watch"),
    route("api/status", StatusView.as_view(), name="status"),
    *router.urls,
]
