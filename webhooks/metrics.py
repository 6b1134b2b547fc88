"""GET /metrics: the figures somebody is to be woken by, in the words Prometheus reads.

They are counted in the database when they are asked for, so that every web process tells the
same and none remembers anything. https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, F, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_q.models import Failure
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0
from prometheus_client.registry import Collector

from pipedesk.core.draining import waiting_messages
from pipedesk.core.jobs import QUEUE_FAILURES
from pipedesk.core.models import Heartbeat
from pipedesk.core.tasks import work_models
from webhooks.status import status


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures, for whoever has METRICS_TOKEN; for all others there is nothing here."""
    wanted = f"Bearer {settings.METRICS_TOKEN}"
    given = request.headers.get("Authorization", "")
    if not settings.METRICS_TOKEN or not hmac.compare_digest(given.encode(), wanted.encode()):
        raise Http404
    registry = CollectorRegistry()
    registry.register(Figures(timezone.now()))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_1_0_0)


class Figures(Collector):
    """Of one moment."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing: or registering would count everything once more."""
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Queue, work and mirrors."""
        yield from self._queue()
        yield from self._work()
        yield from self._mirrors()

    def _queue(self) -> Iterator[GaugeMetricFamily]:
        ages = GaugeMetricFamily(
            "pipedesk_heartbeat_age_seconds", "Since the last sign of life.", labels=["name"]
        )
        for beat in Heartbeat.objects.order_by("name"):
            ages.add_metric([beat.name], (self.now - beat.beat_at).total_seconds())
        yield ages
        try:
            waiting = waiting_messages()
        except QUEUE_FAILURES:  # Redis is away: no figure, rather than a wrong one
            pass
        else:
            yield GaugeMetricFamily(
                "pipedesk_queue_messages", "Wake-ups in the queue.", value=waiting
            )
        failed = Failure.objects.filter(started__gte=self.now - timedelta(days=1)).count()
        yield GaugeMetricFamily("pipedesk_failed_jobs", "Failed in the last day.", value=failed)

    def _work(self) -> Iterator[GaugeMetricFamily]:
        behind = GaugeMetricFamily(
            "pipedesk_work_behind", "Rows with work that is not done yet.", labels=["kind"]
        )
        dead = GaugeMetricFamily(
            "pipedesk_work_given_up", "Rows whose work waits for a person.", labels=["kind"]
        )
        for model in work_models():
            found = model._default_manager.order_by().aggregate(  # noqa: SLF001
                behind=Count("pk", filter=Q(requested__gt=F("applied"), dead_at=None)),
                dead=Count("pk", filter=Q(dead_at__isnull=False)),
            )
            behind.add_metric([model._meta.label_lower], found["behind"])  # noqa: SLF001
            dead.add_metric([model._meta.label_lower], found["dead"])  # noqa: SLF001
        yield from (behind, dead)

    def _mirrors(self) -> Iterator[GaugeMetricFamily]:
        found = status(self.now)
        states = GaugeMetricFamily(
            "pipedesk_mirrors", "Calendars and drives that are followed.", labels=["kind", "state"]
        )
        lag = GaugeMetricFamily(
            "pipedesk_mirror_lag_seconds", "Of the one furthest behind.", labels=["kind"]
        )
        for kind, rows in (("calendar", found["calendars"]), ("drive", found["drives"])):
            for state, count in sorted(Counter(str(row["state"]) for row in rows).items()):
                states.add_metric([kind, state], count)
            if lags := [row["lag_s"] for row in rows if row["lag_s"] is not None]:
                lag.add_metric([kind], max(lags))
        channels = GaugeMetricFamily(
            "pipedesk_channels", "How changes are heard of.", labels=["kind", "state"]
        )
        pairs = Counter((str(row["kind"]), str(row["state"])) for row in found["channels"])
        for pair, count in sorted(pairs.items()):
            channels.add_metric(list(pair), count)
        yield from (states, lag, channels)
