"""Calendars, their channels and the meetings mirrored from them: to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.db.models import Case, F, Value, When
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from gcalendar import overview
from gcalendar.models import CalendarEvent, CalendarSyncState, EventAppearance, MirroredCalendar
from pipedesk.core.pages import (
    NOTHING,
    Labelled,
    ReadOnlyAdmin,
    ReadOnlyInline,
    WorkAdmin,
    WorkFilter,
    link,
)
from pipedesk.google.channel_columns import ChannelColumns

if TYPE_CHECKING:
    from django.db import models
    from django.http import HttpRequest

State = MirroredCalendar.State

__all__ = ["CalendarAdmin", "CalendarChannelAdmin", "EventAdmin", "overview"]


class ChannelInline(ChannelColumns, ReadOnlyInline):
    """The calendar's channels."""

    model = CalendarSyncState
    fields = (
        "channel_id",
        "shown_state",
        "shown_age",
        "shown_last_message",
        "shown_renewal",
        "expiration",
        "failure",
    )
    verbose_name_plural = _("channels")


@admin.register(MirroredCalendar)
class CalendarAdmin(WorkAdmin):
    """The registry of calendars. A calendar is put on it by `add_calendar` or the API."""

    actions: ClassVar[list[str]] = ["run_again", "disable", "enable"]
    list_display = ("__str__", "subject", "shown_state", "as_of", "visibility", "shown_remedy")
    list_filter = (WorkFilter, "state", "visibility")
    search_fields = ("summary", "calendar_id", "google_id", "subject")
    inlines = (ChannelInline,)
    fields: ClassVar[tuple[str, ...]] = (
        "summary",
        "calendar_id",
        "google_id",
        "subject",
        "visibility",
        "time_zone",
        "access_role",
        "shown_state",
        "shown_remedy",
        "as_of",
        "next_poll_at",
        *WorkAdmin.work_fields,
    )

    @display(
        description=_("state"),
        ordering="state",
        label={
            State.OK: "success",
            State.PENDING: "info",
            State.STALE: "warning",
            State.ERROR: "danger",
        },
    )
    def shown_state(self, obj: MirroredCalendar) -> Labelled:
        """How the mirror of this calendar stands."""
        state = obj.standing(timezone.now())
        return Labelled(state, state.label)

    @display(description=_("what to do"))
    def shown_remedy(self, obj: MirroredCalendar) -> str:
        """What a person should do, if anything."""
        return obj.remedy or obj.last_error or NOTHING

    @action(description=_("Sync now"), permissions=["operate"])
    def run_again(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        """Ask for a sync; what was given up starts afresh. Disabled calendars stay so."""
        super().run_again(request, queryset.exclude(state=State.DISABLED))

    @action(description=_("Disable: stop following"), permissions=["operate"])
    def disable(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        """Stop following; meetings stay as they are."""
        stopped = queryset.exclude(state=State.DISABLED).update(state=State.DISABLED)
        messages.success(
            request,
            ngettext("%(n)d calendar disabled.", "%(n)d calendars disabled.", stopped)
            % {"n": stopped},
        )

    @action(description=_("Enable: follow again"), permissions=["operate"])
    def enable(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        """Follow disabled calendars again, beginning with a sync."""
        disabled = list(queryset.filter(state=State.DISABLED).values_list("pk", flat=True))
        rows = MirroredCalendar.objects.filter(pk__in=disabled)
        rows.update(state=State.PENDING)
        super().run_again(request, rows)


@admin.register(CalendarSyncState)
class CalendarChannelAdmin(ChannelColumns, ReadOnlyAdmin):
    """Calendar channels. Neither sync tokens nor the hash of a channel's token are shown."""

    list_display = (
        "mirrored_calendar",
        "shown_state",
        "shown_age",
        "shown_last_message",
        "shown_renewal",
        "failure",
        "__str__",
    )
    list_display_links = ("mirrored_calendar",)
    ordering = ("-active", "-pk")
    list_select_related = ("mirrored_calendar",)
    list_filter = ("state", "active")
    search_fields = ("channel_id", "calendar_id")
    fields: ClassVar[tuple[str, ...]] = (
        "channel_id",
        "mirrored_calendar",
        "active",
        "shown_state",
        "opened_at",
        "expiration",
        "renew_at",
        "last_message_at",
        "last_message_number",
        "failure",
    )


class AppearanceInline(ReadOnlyInline):
    """Where the meeting is seen."""

    model = EventAppearance
    fields = ("calendar_id", "google_event_id", "status")


def unless_private(column: str) -> Case:
    """To sort by, without telling what is hidden by the place of its row."""
    return Case(When(private=False, then=F(column)), default=Value(None))


@admin.register(CalendarEvent)
class EventAdmin(ReadOnlyAdmin):
    """Meetings, each once."""

    list_display = ("shown_title", "start_time", "end_time", "shown_organizer", "shown_status")
    list_filter = ("status", "all_day")
    search_fields = ("summary", "organizer_email", "google_event_id")
    date_hierarchy = "start_time"
    ordering = ("-start_time", "-id")
    inlines = (AppearanceInline,)
    fields: ClassVar[tuple[str, ...]] = (
        "shown_title",
        "shown_status",
        "start_time",
        "end_time",
        "all_day",
        "time_zone",
        "shown_place",
        "shown_description",
        "shown_organizer",
        "shown_guests",
        "shown_links",
        "shown_recurrence",
        "google_event_id",
        "parse_error",
    )

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> CalendarEvent | None:
        """The meeting; a private one without what the page's head would tell."""
        event: CalendarEvent | None = super().get_object(request, object_id, from_field)
        if event is not None and event.private:
            event.summary = gettext("Busy")
        return event

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        """Words find no private meeting: a hit would tell what it is about."""
        if search_term:
            queryset = queryset.filter(private=False)
        found: tuple[models.QuerySet[Any], bool] = super().get_search_results(
            request, queryset, search_term
        )
        return found

    @display(description=_("title"), ordering=unless_private("summary"))
    def shown_title(self, obj: CalendarEvent) -> str:
        """The title, unless the meeting is private."""
        return gettext("Busy") if obj.private else str(obj)

    @display(description=_("place"))
    def shown_place(self, obj: CalendarEvent) -> str:
        """The place, unless the meeting is private."""
        return NOTHING if obj.private else obj.location or NOTHING

    @display(description=_("organiser"), ordering=unless_private("organizer_email"))
    def shown_organizer(self, obj: CalendarEvent) -> str:
        """The organiser, unless the meeting is private."""
        return NOTHING if obj.private else obj.organizer_email or NOTHING

    @display(description=_("description"))
    def shown_description(self, obj: CalendarEvent) -> str:
        """The description, unless the meeting is private."""
        return NOTHING if obj.private else obj.description or NOTHING

    @display(
        description=_("status"),
        ordering="status",
        label={"confirmed": "success", "tentative": "warning", "cancelled": "danger"},
    )
    def shown_status(self, obj: CalendarEvent) -> Labelled:
        """Google's word for it."""
        words = {
            "confirmed": gettext("Confirmed"),
            "tentative": gettext("Tentative"),
            "cancelled": gettext("Cancelled"),
        }
        status = obj.status or ""
        return Labelled(status, words.get(status, status))

    @display(description=_("guests"))
    def shown_guests(self, obj: CalendarEvent) -> str:
        """The guests' addresses."""
        if obj.private:
            return NOTHING
        return ", ".join(guest.get("email", "") for guest in obj.attendees or ()) or NOTHING

    @display(description=_("link"))
    def shown_links(self, obj: CalendarEvent) -> str:
        """The way to it in Google Calendar, unless it is private."""
        return NOTHING if obj.private else link(obj.html_link, gettext("Open in Calendar"))

    @display(description=_("recurrence"))
    def shown_recurrence(self, obj: CalendarEvent) -> str:
        """The lines of its rule, unless it is private."""
        return NOTHING if obj.private else "; ".join(obj.recurrence or ()) or NOTHING
