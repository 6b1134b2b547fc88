"""The registry of mirrored calendars: put on it, take off, change what may be kept."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Exists, OuterRef, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from gcalendar.archive import bring_back_told_by
from gcalendar.matching import follow, told_by
from gcalendar.mirror import forget_etags
from gcalendar.models import CalendarEvent, EventAppearance, MirroredCalendar
from gcalendar.occurrences import refresh
from gcalendar.parsing import CANCELLED
from gcalendar.signals import calendar_registered, calendar_removed
from gcalendar.speaking import forget_words, hand_over
from gcalendar.sync import forget_cursor
from pipedesk.core.exceptions import InvalidInput

PRIMARY = "primary"
MAX_ID_LENGTH = 255
GOOGLE_ROOT = "https://www.googleapis.com"
# The person whose account the local stand-in for Google starts with.
SANDBOX_USER = "ana@pipedesk.example"


def default_subject() -> str:
    """In whose name calendars are read unless somebody is named; empty where nobody can be."""
    if settings.GOOGLE_IMPERSONATE_EMAIL:
        return str(settings.GOOGLE_IMPERSONATE_EMAIL)
    return "" if settings.GOOGLE_API_ROOT_URL.startswith(GOOGLE_ROOT) else SANDBOX_USER


def check(calendar_id: str, subject: str, visibility: str) -> tuple[str, str]:
    """Id and subject as they would be stored. Raises InvalidInput."""
    calendar_id, subject = calendar_id.strip(), (subject.strip() or default_subject()).lower()
    if not (calendar_id.isprintable() and 0 < len(calendar_id) <= MAX_ID_LENGTH):
        raise InvalidInput("calendar_id", _("A calendar's id, or “primary”."))
    try:
        validate_email(subject)
    except ValidationError:
        raise InvalidInput("subject", _("The e-mail address of a person.")) from None
    if visibility not in MirroredCalendar.Visibility.values:
        raise InvalidInput("visibility", _("Either full or busy."))
    return calendar_id, subject


def register(
    calendar_id: str, subject: str = "", visibility: str = MirroredCalendar.Visibility.FULL
) -> tuple[MirroredCalendar, bool]:
    """The calendar's row and whether it is new; a new one's first sync is queued.

    An existing row is left as it is. Raises InvalidInput.
    """
    calendar_id, subject = check(calendar_id, subject, visibility)
    with transaction.atomic():
        row = MirroredCalendar(calendar_id=calendar_id, subject=subject, visibility=visibility)
        MirroredCalendar.objects.bulk_create([row], ignore_conflicts=True)
        stored = MirroredCalendar.objects.select_for_update().get(
            calendar_id=calendar_id, subject=subject
        )
        new = stored.requested == 0
        if new:
            MirroredCalendar.objects.request(stored.pk)
            stored.refresh_from_db()
            calendar_registered.send(sender=MirroredCalendar, calendar=stored)
    return stored, new


def ensure_default() -> MirroredCalendar | None:
    """Where no calendar is registered: the default person's primary one, if there is a person."""
    if MirroredCalendar.objects.exists() or not default_subject():
        return None
    return register(PRIMARY)[0]


def remove(calendar: MirroredCalendar) -> None:
    """Take a calendar off: its channels and appearances go, meetings seen elsewhere stay.

    Meetings that no other calendar shows stay as rows for history and are shown no more.
    """
    with transaction.atomic():
        MirroredCalendar.objects.select_for_update().get(pk=calendar.pk)
        calendar_removed.send(sender=MirroredCalendar, calendar=calendar)
        bring_back_told_by(calendar)
        reach = told_by(calendar.pk)
        series_ids = _shared_series(calendar)
        _hand_over(calendar)
        calendar.delete()
        # A day that only this one still showed is shown no more.
        refresh(series_ids, timezone.now())
        follow(reach)


def set_visibility(calendar: MirroredCalendar, visibility: str) -> None:
    """Keep all of a calendar's events, or their times only; a full sync brings them in line."""
    with transaction.atomic():
        rows = MirroredCalendar.objects.filter(pk=calendar.pk)
        if not rows.exclude(visibility=visibility).update(visibility=visibility):
            return
        calendar.visibility = visibility
        bring_back_told_by(calendar)
        if visibility == MirroredCalendar.Visibility.BUSY:
            told = CalendarEvent.objects.filter(source=calendar)
            hand_over(calendar, list(told.values_list("pk", flat=True)))
            forget_words(list(told.values_list("pk", flat=True)))
        forget_etags(calendar)
        forget_cursor(calendar)
        MirroredCalendar.objects.request(calendar.pk)


def _shared_series(calendar: MirroredCalendar) -> list[int]:
    here = EventAppearance.objects.on(calendar).filter(event=OuterRef("pk"))
    others = EventAppearance.objects.live().exclude(mirrored_calendar=calendar)
    series = CalendarEvent.objects.filter(recurrence__isnull=False)
    shared = series.filter(Exists(here), Exists(others.filter(event=OuterRef("pk"))))
    return list(shared.values_list("pk", flat=True))


def _hand_over(calendar: MirroredCalendar) -> None:
    """Let another calendar speak for what this one also shows."""
    others = EventAppearance.objects.exclude(mirrored_calendar=calendar).filter(
        event=OuterRef("pk")
    )
    live = others.live().order_by("pk")
    told = CalendarEvent.objects.filter(source=calendar)
    told.filter(~Exists(live), Exists(others)).not_cancelled().update(status=CANCELLED)
    hand_over(calendar, list(told.values_list("pk", flat=True)))
    told.filter(Exists(others)).update(
        source=Subquery(others.order_by("pk").values("mirrored_calendar")[:1])
    )
