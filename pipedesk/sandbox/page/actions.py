"""What the page's forms do, in the name of the account they belong to."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from urllib.parse import parse_qs, quote

from pipedesk.sandbox.calendar.times import is_all_day, moment_of, zone_of
from pipedesk.sandbox.errors import GoogleError, Json, bad_request, not_found
from pipedesk.sandbox.exchange import Request, Response
from pipedesk.sandbox.google import Google
from pipedesk.sandbox.identity import DEFAULT_USER
from pipedesk.sandbox.page.texts import texts_for
from pipedesk.sandbox.page.view import render_page
from pipedesk.sandbox.people import CalendarPeople, DrivePeople

Values = dict[str, str]

PREFIX = "/_sandbox/page/"


class Page:
    """``/`` and everything under ``/_sandbox/page/``."""

    def __init__(self, google: Google) -> None:
        self._google = google
        self._actions: dict[str, Callable[[Values], object]] = {
            "event/create": self._create_event,
            "event/save": self._save_event,
            "event/cancel": self._cancel_event,
            "folder/create": self._create_folder,
            "file/rename": lambda values: self._drive(values).rename(values["id"], values["name"]),
            "file/trash": lambda values: self._drive(values).trash(values["id"]),
        }

    def show(self, request: Request, problem: str = "", status: int = 200) -> Response:
        """The page; ``user`` in the query names the account."""
        user = request.query.get("user", [DEFAULT_USER])[-1]
        words = texts_for(request.headers.get("accept-language", ""))
        with self._google.store.transaction():
            html = render_page(self._google, user, words, problem)
        return Response(status, html.encode(), {"Content-Type": "text/html; charset=utf-8"})

    def act(self, request: Request) -> Response:
        """Perform a form's action and go back to the page; a refusal is shown on it."""
        name = request.path.removeprefix(PREFIX)
        try:
            if name == "file/drop":
                return self._drop(request)
            values = {key: each[-1] for key, each in parse_qs(request.body.decode()).items()}
            action = self._actions.get(name)
            if action is None or request.verb != "POST":
                raise not_found()
            action(values)
        except GoogleError as error:
            return self.show(request, error.message, error.status)
        except (KeyError, ValueError):
            return self.show(request, "400", 400)
        user = quote(values.get("user", DEFAULT_USER))
        return Response(303, headers={"Location": f"/?user={user}"})

    def _drop(self, request: Request) -> Response:
        """A file's bytes as the body; its folder and name are in the query."""
        values = {key: each[-1] for key, each in request.query.items()}
        mime_type = request.headers.get("content-type") or "application/octet-stream"
        self._drive(values).drop_file(values["id"], values["name"], request.body, mime_type)
        return Response(204)

    def _calendar(self, values: Values) -> CalendarPeople:
        return CalendarPeople(self._google, self._known(values))

    def _drive(self, values: Values) -> DrivePeople:
        return DrivePeople(self._google, self._known(values))

    def _known(self, values: Values) -> str:
        user = values.get("user", DEFAULT_USER)
        if user not in self._google.users():
            raise not_found()
        return user

    def _create_event(self, values: Values) -> None:
        zone = self._zone(values)
        day = date.fromisoformat(values["date"])
        start, end = _between(day, values["start"], values["end"], zone)
        self._calendar(values).create_event(
            values["summary"], start, end, calendar_id=values["calendar"], time_zone=zone
        )

    def _save_event(self, values: Values) -> None:
        people = self._calendar(values)
        place = {"calendar_id": values["calendar"]}
        event = people.event(values["event"], **place)
        changes: Json = {}
        if values["summary"] != event.get("summary"):
            changes["summary"] = values["summary"]
        times = self._times(event, values)
        if not _same_time(times, event, self._zone(values)):
            changes.update(times)
        if changes:
            people.change_event(values["event"], **place, **changes)

    def _times(self, event: Json, values: Values) -> Json:
        """Start and end as the form says; an all-day event keeps its length."""
        zone = self._zone(values)
        day = date.fromisoformat(values["date"])
        if is_all_day(event["start"]):
            old = [date.fromisoformat(event[name]["date"]) for name in ("start", "end")]
            end = day + (old[1] - old[0])
            return {"start": {"date": day.isoformat()}, "end": {"date": end.isoformat()}}
        start, finish = _between(day, values["start"], values["end"], zone)
        return {
            "start": {"dateTime": start.isoformat(), "timeZone": zone},
            "end": {"dateTime": finish.isoformat(), "timeZone": zone},
        }

    def _cancel_event(self, values: Values) -> None:
        self._calendar(values).cancel_event(values["event"], calendar_id=values["calendar"])

    def _create_folder(self, values: Values) -> None:
        self._drive(values).create_folder(values["name"], values["id"])

    def _zone(self, values: Values) -> str:
        calendar = self._google.calendars.get(self._known(values), values["calendar"])
        return str(calendar["timeZone"])


def _between(day: date, start: str, end: str, zone: str) -> tuple[datetime, datetime]:
    """Two moments of a day; an end at or before the start is on the next day."""
    first = datetime.fromisoformat(f"{day.isoformat()}T{start}").replace(tzinfo=zone_of(zone))
    last = datetime.fromisoformat(f"{day.isoformat()}T{end}").replace(tzinfo=zone_of(zone))
    if last == first:
        raise bad_request("The event ends when it begins.")
    return first, last if last > first else last + timedelta(days=1)


def _same_time(times: Json, event: Json, zone: str) -> bool:
    """Whether the form left the times as they were (it knows no seconds)."""
    return all(
        moment_of(times[name], zone) == moment_of(event[name], zone).replace(second=0)
        for name in ("start", "end")
    )
