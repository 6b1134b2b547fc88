"""The queue as something to look at.

django-q's own pages unpickle arguments and let staff with `add_schedule` run any function.
These show plain columns only and change nothing; what failed is run again from the page of
the row it was for.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_q.models import Failure, OrmQ, Schedule, Success

from pipedesk.core.dashboard import Part, Row, as_of, dashboard
from pipedesk.core.draining import waiting_messages
from pipedesk.core.health import QUEUE_SILENT_AFTER_S
from pipedesk.core.jobs import QUEUE_FAILURES
from pipedesk.core.models import Heartbeat
from pipedesk.core.pages import ReadOnlyAdmin

if TYPE_CHECKING:
    from django.db import models
    from django.http import HttpRequest


@dashboard.part(90)
def queue(request: HttpRequest) -> Part | None:
    """Whether the workers live, what waits, and what failed today."""
    if not request.user.has_perm("django_q.view_ormq"):
        return None
    now = timezone.now()
    beat = Heartbeat.objects.filter(name="queue").first()
    lives = beat is not None and now - beat.beat_at < timedelta(seconds=QUEUE_SILENT_AFTER_S)
    failed = Failure.objects.filter(started__gte=now - timedelta(days=1)).count()
    return Part(
        title=_("Queue"),
        rows=(
            Row(
                text=_("Workers"),
                second=as_of(beat.beat_at) if beat else "",
                state=_("At work") if lives else _("No sign of life"),
                level="good" if lives else "bad",
                remedy="" if lives else _("Start run_worker, or look at its log."),
            ),
            Row(
                text=_("Waiting"),
                url=reverse("admin:django_q_ormq_changelist"),
                state=_waiting(),
                level="waiting",
            ),
            Row(
                text=_("Failed in the last 24 hours"),
                url=reverse("admin:django_q_failure_changelist"),
                state=str(failed),
                level="bad" if failed else "good",
            ),
        ),
    )


def _waiting() -> str:
    try:
        return str(waiting_messages())
    except QUEUE_FAILURES:
        return str(_("Redis cannot be reached."))


admin.site.index_title = _("Overview")

for registered in (Schedule, Success, Failure, OrmQ):
    if admin.site.is_registered(registered):
        admin.site.unregister(registered)


class QueueAdmin(ReadOnlyAdmin):
    """Rows of django-q without their pickled columns."""

    pickled: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """Rows whose pickled columns are never fetched."""
        return super().get_queryset(request).defer(*self.pickled)  # type: ignore[no-any-return]


@admin.register(Success, Failure)
class TaskAdmin(QueueAdmin):
    """Wake-ups that ran."""

    pickled = ("args", "kwargs", "result")
    fields = ("name", "func", "cluster", "started", "stopped", "success", "attempt_count")
    list_display = ("name", "func", "started", "stopped", "attempt_count")
    list_filter = ("func",)
    search_fields = ("name", "func")
    date_hierarchy = "started"


@admin.register(OrmQ)
class WaitingAdmin(QueueAdmin):
    """Wake-ups that wait. What they say is signed and pickled: it stays shut."""

    pickled = ("payload",)
    fields = ("key", "lock")
    list_display = ("id", "key", "lock")


@admin.register(Schedule)
class ScheduleAdmin(ReadOnlyAdmin):
    """What runs when; written from settings.SCHEDULES only."""

    fields = ("name", "func", "schedule_type", "minutes", "cron", "next_run", "repeats")
    list_display = ("name", "func", "schedule_type", "minutes", "cron", "next_run")
    search_fields = ("name", "func")
