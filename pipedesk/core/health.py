"""/healthz: the process answers. /readyz: it can do its work."""

from __future__ import annotations

from datetime import timedelta

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from pipedesk.core.models import Heartbeat
from pipedesk.core.problems import problem

QUEUE_SILENT_AFTER_S = 120


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process is up."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Database, migrations and queue work; otherwise 503 names what does not."""
    found = faults()
    if not found:
        return JsonResponse({"status": "ok"})
    details = [{"field": what, "code": "not_ready", "message": why} for what, why in found.items()]
    return problem(503, _("Not ready; see the details."), code="not_ready", details=details)


def faults() -> dict[str, str]:
    """What keeps this process from its work, by name; empty when nothing does."""
    try:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return {"migrations": _("There are migrations to run.")}
        newest = timezone.now() - timedelta(seconds=QUEUE_SILENT_AFTER_S)
        if not Heartbeat.objects.filter(name="queue", beat_at__gte=newest).exists():
            return {"queue": _("The queue's workers give no sign of life.")}
    except DatabaseError:
        return {"database": _("The database cannot be reached.")}
    return {}
