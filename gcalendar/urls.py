"""Addresses of this room, below the site's root."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

from gcalendar.busy_views import FreeBusyView, SlotsView
from gcalendar.calendar_views import CalendarViewSet
from gcalendar.event_views import MeetingViewSet
from pipedesk.core.routing import Router, route

router = Router()
router.register("api/calendar/events", MeetingViewSet, basename="calendar-event")
router.register("api/calendar/calendars", CalendarViewSet, basename="calendar")

urlpatterns: list[URLPattern | URLResolver] = [
    *router.urls,
    route("api/calendar/freebusy", FreeBusyView.as_view(), name="calendar-freebusy"),
    route("api/calendar/slots", SlotsView.as_view(), name="calendar-slots"),
]
