"""Addresses of this room, below the site's root."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path, re_path

from webhooks.views import RECEIVER, receive, robots

urlpatterns: list[URLPattern | URLResolver] = [
    re_path(f"^{RECEIVER.pattern.removeprefix('/')}$", receive, name="google-webhook"),
    path("robots.txt", robots),
]
