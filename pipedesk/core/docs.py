"""/api/schema/ (OpenAPI 3.1) and /api/docs/, which ask no other host."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils import translation
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from pipedesk.accounts.authentication import BearerAuthentication
from pipedesk.core.throttling import ThrottledView


class MayRead(BasePermission):
    """Everybody while developing; in production whoever is logged in."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether this caller may read how the API works."""
        return not settings.PRODUCTION or bool(request.user.is_authenticated)


class SchemaView(ThrottledView, SpectacularAPIView):
    """The OpenAPI document; JSON unless the caller asks for YAML."""

    renderer_classes = [
        OpenApiJsonRenderer2,
        OpenApiJsonRenderer,
        OpenApiYamlRenderer,
        OpenApiYamlRenderer2,
    ]
    public = True
    authentication_classes = (BearerAuthentication, SessionAuthentication)
    permission_classes = (MayRead,)

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The document; in English whoever asks, so that it is one document."""
        with translation.override("en"):
            answer: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        return answer


class DocsView(ThrottledView, SpectacularSwaggerSplitView):
    """Swagger UI from our own static files, its start-up script apart (strict CSP)."""

    template_name = "core/docs.html"
    public = True
    authentication_classes = (BearerAuthentication, SessionAuthentication)
    permission_classes = (MayRead,)
