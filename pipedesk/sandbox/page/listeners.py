"""The channels' part of the page."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from pipedesk.sandbox.errors import Json
from pipedesk.sandbox.google import Google
from pipedesk.sandbox.page.markup import Markup, join, tag
from pipedesk.sandbox.page.texts import Texts

MAX_CHANNELS = 20


def render_channels(google: Google, words: Texts) -> Markup:
    """The newest channels with their last message, the live ones first."""
    rows = google.channels.newest(MAX_CHANNELS)
    rows.sort(key=lambda row: not google.channels.is_live(row))
    if not rows:
        return tag("p", words["no_channels"], class_="nothing")
    return join(_channel(google, row, words) for row in rows)


def _channel(google: Google, row: Json, words: Texts) -> Markup:
    state = "live" if google.channels.is_live(row) else "expired" if row["live"] else "stopped"
    expires = datetime.fromtimestamp(row["expiration"] / 1000, UTC)
    left = _duration(expires - google.clock.now())
    return tag(
        "section",
        tag("h3", tag("i", class_=state), _watched(google, row["topic"], words)),
        tag("p", urlsplit(row["address"]).netloc, class_="address", title=row["address"]),
        tag(
            "dl",
            tag("dt", words["last_message"]),
            tag("dd", _last(row, words)),
            tag("dt", words["expires"]),
            tag("dd", left if state == "live" else words[state]),
        ),
        class_=f"card channel {state}",
    )


def _duration(left: timedelta) -> str:
    """The two largest units of a duration."""
    hours, minutes = divmod(max(0, int(left.total_seconds())) // 60, 60)
    days, hours_of_day = divmod(hours, 24)
    return f"{days} d {hours_of_day} h" if days else f"{hours} h {minutes} min"


def _last(row: Json, words: Texts) -> Markup:
    last = row["last"]
    if last is None:
        return tag("span", words["none_yet"])
    outcome = f"{words['answered']} {last['status']}" if last["status"] else words["no_answer"]
    arrived = 200 <= last["status"] < 300
    return join(
        [
            tag("b", last["state"]),
            " · ",
            tag("span", outcome, class_="good" if arrived else "bad"),
            tag("small", f"№ {row['number']}, {last['at'][11:19]} UTC"),
        ]
    )


def _watched(google: Google, topic: str, words: Texts) -> str:
    """What a channel listens to, in words."""
    kind, _, rest = topic.partition("/")
    if kind == "calendar":
        calendar = google.calendars.stored(rest)
        return f"{words['events_of']} {calendar['summary'] if calendar else rest}"
    kind, _, rest = rest.partition("/")
    if kind == "file":
        row = google.files.stored(rest)
        return f"{words['file']} {row['body']['name'] if row else rest}"
    return f"{words['changes_of']} {rest}"
