"""Addresses that answer with and without a trailing slash, for every method, not redirected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http.response import HttpResponseBase
from django.urls import URLPattern
from django.urls.resolvers import RoutePattern
from rest_framework.routers import SimpleRouter


class _AnySlash(RoutePattern):
    def match(self, path: str) -> Any:
        """Match with one trailing slash, or none."""
        return super().match(path.removesuffix("/"))


def route(
    address: str, view: Callable[..., HttpResponseBase], kwargs: Any = None, name: str | None = None
) -> URLPattern:
    """Like Django's path(), of an address written without its trailing slash."""
    return URLPattern(_AnySlash(address, name=name, is_endpoint=True), view, kwargs, name)


class Router(SimpleRouter):
    """Routes viewsets; ids are matched by the viewset's `lookup_value_converter`."""

    def __init__(self) -> None:
        super().__init__(trailing_slash=False, use_regex_path=False)
        self._url_conf = route
