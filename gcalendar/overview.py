"""What the admin's first page says about calendars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db.models import Case, IntegerField, Value, When
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gcalendar.models import MirroredCalendar
from pipedesk.core.dashboard import Part, Row, as_of, dashboard

if TYPE_CHECKING:
    from django.http import HttpRequest

SHOWN: Final = 8
State = MirroredCalendar.State
LEVELS: Final = {
    State.ERROR: "bad",
    State.STALE: "bad",
    State.PENDING: "waiting",
    State.OK: "good",
    State.DISABLED: "waiting",
}


@dashboard.part(20)
def calendars(request: HttpRequest) -> Part | None:
    """How fresh each calendar is, those in trouble first."""
    if not request.user.has_perm("gcalendar.view_mirroredcalendar"):
        return None
    order = [When(state=state, then=Value(place)) for place, state in enumerate(LEVELS)]
    rows = MirroredCalendar.objects.order_by(
        Case(*order, default=Value(len(LEVELS)), output_field=IntegerField()), "as_of", "pk"
    )
    return Part(
        title=_("Calendars"),
        rows=tuple(_row(calendar) for calendar in rows[:SHOWN]),
        empty=_("No calendar is followed yet: use add_calendar."),
    )


def _row(calendar: MirroredCalendar) -> Row:
    given_up = calendar.dead_at is not None
    state = calendar.standing(timezone.now())
    troubled = state in (State.ERROR, State.STALE)
    return Row(
        text=str(calendar),
        url=reverse("admin:gcalendar_mirroredcalendar_change", args=(calendar.pk,)),
        second=" · ".join(filter(None, (calendar.subject, as_of(calendar.as_of)))),
        state=_("Given up") if given_up else state.label,
        level=LEVELS[state],
        remedy=(calendar.remedy or calendar.last_error) if troubled else "",
    )
