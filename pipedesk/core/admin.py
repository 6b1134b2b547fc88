"""The queue as something to look at.

django-q's own pages unpickle arguments and let staff with `add_schedule` run any function.
These show plain columns only and change nothing; what failed is run again from the page of
the row it was for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django_q.models import Failure, OrmQ, Schedule, Success

from pipedesk.core.pages import ReadOnlyAdmin

if TYPE_CHECKING:
    from django.db import models
    from django.http import HttpRequest

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
