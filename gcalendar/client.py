"""Google Calendar: one method per API method, as far as the mirror reads it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pipedesk.google.errors import TemporaryError
from pipedesk.google.service import calendar_service, execute

# The query of every list call. Google ties a sync token to it, so it never varies between calls
# of one token: series come as master and exceptions, and are expanded here.
EVENTS_QUERY: dict[str, Any] = {"singleEvents": False, "maxResults": 2500}


def query_fingerprint(subject: str, calendar_id: str) -> str:
    """What a sync token is valid for: the person asking, the calendar and the query."""
    query = json.dumps([subject, calendar_id, EVENTS_QUERY], sort_keys=True)
    return hashlib.sha256(query.encode()).hexdigest()


def get_calendar(calendar_id: str, *, subject: str = "") -> dict[str, Any]:
    """The calendar's own id (also of `primary`), name and zone.

    https://developers.google.com/workspace/calendar/api/v3/reference/calendars/get
    """
    return execute(calendar_service(subject).calendars().get(calendarId=calendar_id))


def list_events(
    calendar_id: str,
    *,
    subject: str = "",
    sync_token: str | None = None,
    page_token: str | None = None,
) -> dict[str, Any]:
    """One page: of everything, or of what changed since `sync_token` was given out.

    The following pages of a delta are asked with the same sync token and the page's token.
    https://developers.google.com/workspace/calendar/api/v3/reference/events/list
    """
    place = {"syncToken": sync_token, "pageToken": page_token}
    tokens = {name: token for name, token in place.items() if token}
    request = (
        calendar_service(subject).events().list(calendarId=calendar_id, **EVENTS_QUERY, **tokens)
    )
    return execute(request)


def watch_events(calendar_id: str, channel: dict[str, str], *, subject: str = "") -> dict[str, Any]:
    """Open a push channel; asked once only, because an id can never be used again.

    https://developers.google.com/workspace/calendar/api/v3/reference/events/watch
    """
    request = calendar_service(subject).events().watch(calendarId=calendar_id, body=channel)
    return execute(request, retries=0)


def stop_channel(channel_id: str, resource_id: str, *, subject: str = "") -> None:
    """End a push channel.

    https://developers.google.com/workspace/calendar/api/v3/reference/channels/stop
    """
    body = {"id": channel_id, "resourceId": resource_id}
    execute(calendar_service(subject).channels().stop(body=body))


def get_event(calendar_id: str, event_id: str, *, subject: str = "") -> dict[str, Any]:
    """One event, also a cancelled one, or one occurrence of a series.

    https://developers.google.com/workspace/calendar/api/v3/reference/events/get
    """
    events = calendar_service(subject).events()
    return execute(events.get(calendarId=calendar_id, eventId=event_id))


def list_filtered(calendar_id: str, *, subject: str = "", **filters: str) -> list[dict[str, Any]]:
    """The events that Google's filters leave, such as `iCalUID`; no sync may be fed with them.

    https://developers.google.com/workspace/calendar/api/v3/reference/events/list
    """
    found: list[dict[str, Any]] = []
    events, page_token = calendar_service(subject).events(), None
    while True:
        page = execute(
            events.list(calendarId=calendar_id, pageToken=page_token, **EVENTS_QUERY, **filters)
        )
        found += page.get("items") or ()
        following = page.get("nextPageToken") or None
        if following is None:
            return found
        if following == page_token:
            msg = "Google gave the same page token twice"
            raise TemporaryError(msg)
        page_token = following


def insert_event(
    calendar_id: str, body: dict[str, Any], *, send_updates: str, subject: str = ""
) -> dict[str, Any]:
    """Create an event under the id in its body, so that sending it twice makes one.

    https://developers.google.com/workspace/calendar/api/v3/reference/events/insert
    """
    request = calendar_service(subject).events().insert(
        calendarId=calendar_id, body=body, sendUpdates=send_updates, conferenceDataVersion=1
    )  # fmt: skip
    return execute(request)


def quick_add(
    calendar_id: str, text: str, *, send_updates: str, subject: str = ""
) -> dict[str, Any]:
    """Let Google make an event of these words, under an id of its own: asked once only.

    https://developers.google.com/workspace/calendar/api/v3/reference/events/quickAdd
    """
    request = calendar_service(subject).events().quickAdd(
        calendarId=calendar_id, text=text, sendUpdates=send_updates
    )  # fmt: skip
    return execute(request, once=True)


def patch_event(
    calendar_id: str,
    event_id: str,
    body: dict[str, Any],
    *,
    etag: str | None,
    send_updates: str,
    subject: str = "",
) -> dict[str, Any]:
    """Change fields of an event that still has this etag; lists are replaced whole.

    https://developers.google.com/workspace/calendar/api/v3/reference/events/patch
    """
    request = calendar_service(subject).events().patch(
        calendarId=calendar_id,
        eventId=event_id,
        body=body,
        sendUpdates=send_updates,
        conferenceDataVersion=1,
    )  # fmt: skip
    if etag is not None:
        request.headers["If-Match"] = etag
    return execute(request)


def delete_event(calendar_id: str, event_id: str, *, send_updates: str, subject: str = "") -> None:
    """Cancel an event, a series or one occurrence.

    https://developers.google.com/workspace/calendar/api/v3/reference/events/delete
    """
    events = calendar_service(subject).events()
    request = events.delete(calendarId=calendar_id, eventId=event_id, sendUpdates=send_updates)
    execute(request)
