"""/api/schema/ (OpenAPI 3.1) and /api/docs/, which ask no other host."""

from __future__ import annotations

from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from pipedesk.core.throttling import ThrottledView


class SchemaView(ThrottledView, SpectacularAPIView):
    """The OpenAPI document; JSON unless the caller asks for YAML."""

    renderer_classes = [
        OpenApiJsonRenderer2,
        OpenApiJsonRenderer,
        OpenApiYamlRenderer,
        OpenApiYamlRenderer2,
    ]
    public = True


class DocsView(ThrottledView, SpectacularSwaggerSplitView):
    """Swagger UI from our own static files, its start-up script apart (strict CSP)."""

    template_name = "core/docs.html"
    public = True
