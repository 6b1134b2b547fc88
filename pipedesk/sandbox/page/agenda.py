"""The calendars' part of the page."""

from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from pipedesk.sandbox.calendar.times import is_all_day, moment_of, zone_of
from pipedesk.sandbox.errors import Json
from pipedesk.sandbox.google import Google
from pipedesk.sandbox.page.markup import Markup, field, form, join, tag
from pipedesk.sandbox.page.texts import Texts

DAYS_BACK = 7
MAX_EVENTS = 60


def render_agenda(google: Google, user: str, words: Texts) -> Markup:
    """Every calendar on the user's list with the events of these weeks."""
    entries = google.calendars.entries(user)
    return join(_calendar(google, user, entry, words) for entry in entries)


def _calendar(google: Google, user: str, entry: Json, words: Texts) -> Markup:
    zone = zone_of(entry["timeZone"])
    now = google.clock.now().astimezone(zone)
    query: dict[str, Any] = {
        "singleEvents": True,
        "orderBy": "startTime",
        "timeMin": (now - timedelta(days=DAYS_BACK)).isoformat(),
        "maxResults": MAX_EVENTS,
    }
    events = google.listing.page(google.calendars.get(user, entry["id"]), user, query).events
    days = groupby(events, key=lambda event: _local(event["start"], entry).date())
    listed = join(_day(day, list(members), entry, user, now.date(), words) for day, members in days)
    return tag(
        "section",
        tag("h3", tag("i", style=f"background:{entry['backgroundColor']}"), entry["summary"]),
        _new_event(user, entry, now, words),
        listed or tag("p", words["no_events"], class_="nothing"),
        class_="card calendar",
    )


def _new_event(user: str, entry: Json, now: datetime, words: Texts) -> Markup:
    start = now.replace(minute=0) + timedelta(hours=1)
    return tag(
        "details",
        tag("summary", "+ ", words["new_event"], class_="button"),
        form(
            "event/create",
            field(words["summary"], "summary"),
            _times(
                start.date().isoformat(),
                f"{start:%H:%M}",
                f"{start + timedelta(hours=1):%H:%M}",
                words,
            ),
            tag("button", words["create"], class_="primary"),
            user=user,
            calendar=entry["id"],
        ),
        class_="editor",
        data_key=f"new-{entry['id']}",
    )


def _times(day: str, start: str, end: str, words: Texts) -> Markup:
    return tag(
        "div",
        field(words["date"], "date", day, "date"),
        field(words["start"], "start", start, "time") if start else "",
        field(words["end"], "end", end, "time") if end else "",
        class_="row",
    )


def _day(
    day: date, events: list[Json], entry: Json, user: str, today: date, words: Texts
) -> Markup:
    month = words["months"].split()[day.month - 1]
    weekday = words["weekdays"].split()[day.weekday()]
    is_today = day == today
    return tag(
        "div",
        tag("h4", tag("b", day.day), f"{weekday}, {month}", class_="today" if is_today else None),
        tag("div", *(_event(event, entry, user, words) for event in events)),
        class_="day",
    )


def _event(event: Json, entry: Json, user: str, words: Texts) -> Markup:
    start, end = _local(event["start"], entry), _local(event["end"], entry)
    timed = not is_all_day(event["start"])
    hours = f"{start:%H:%M}–{end:%H:%M}" if timed else words["all_day"]
    title = event.get("summary") or words["untitled"]
    marks = [words["series"]] if "recurringEventId" in event else []
    if guests := len(event.get("attendees", [])):
        marks.append(f"{guests} {words['guest' if guests == 1 else 'guests']}")
    if event.get("hangoutLink"):
        marks.append("Meet")
    times = (f"{start:%H:%M}", f"{end:%H:%M}") if timed else ("", "")
    return tag(
        "details",
        tag(
            "summary",
            tag("time", hours),
            tag("span", title, class_="title"),
            *(tag("em", mark) for mark in marks),
        ),
        form(
            "event/save",
            field(words["summary"], "summary", event.get("summary", "")),
            _times(start.date().isoformat(), *times, words),
            tag("button", words["save"], class_="primary"),
            tag(
                "button",
                words["cancel_event"],
                class_="danger",
                formaction="/_sandbox/page/event/cancel",
                formnovalidate=True,
            ),
            user=user,
            calendar=entry["id"],
            event=event["id"],
        ),
        class_="event editor",
        style=f"--color:{entry['backgroundColor']}",
        data_key=f"event-{event['id']}",
    )


def _local(point: Json, entry: Json) -> datetime:
    return moment_of(point, entry["timeZone"]).astimezone(zone_of(entry["timeZone"]))
