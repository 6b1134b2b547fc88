"""People working "in Google": the same changes as through the API, without HTTP."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from pipedesk.sandbox.calendar.events import is_cancelled
from pipedesk.sandbox.calendar.splitting import split
from pipedesk.sandbox.drive.editing import Actor
from pipedesk.sandbox.drive.files import FOLDER
from pipedesk.sandbox.errors import Json
from pipedesk.sandbox.exchange import Media
from pipedesk.sandbox.google import Google
from pipedesk.sandbox.identity import DEFAULT_USER

Moment = datetime | date


def _point(moment: Moment, time_zone: str | None) -> Json:
    if not isinstance(moment, datetime):
        return {"date": moment.isoformat()}
    return {"dateTime": moment.isoformat(), **({"timeZone": time_zone} if time_zone else {})}


class CalendarPeople:
    """Somebody at the calendar's web page."""

    def __init__(self, google: Google, user: str = DEFAULT_USER) -> None:
        self._google = google
        self.user = user

    def as_user(self, user: str) -> "CalendarPeople":
        """Somebody else; the account is made at its first sight."""
        with self._google.store.transaction():
            self._google.ensure_user(user)
        return CalendarPeople(self._google, user)

    def create_calendar(self, summary: str) -> str:
        """A secondary calendar; its id."""
        with self._google.store.transaction():
            return str(self._google.calendars.insert(self.user, {"summary": summary})["id"])

    def create_event(
        self,
        summary: str,
        start: Moment,
        end: Moment | None = None,
        *,
        calendar_id: str = "primary",
        time_zone: str | None = None,
        **fields: Any,
    ) -> Json:
        """An event, of one hour (or one day) unless ``end`` says otherwise; the event as stored.

        Further fields are the event resource's own: ``attendees``, ``recurrence``, ``location`` …
        """
        if end is None:
            length = timedelta(hours=1) if isinstance(start, datetime) else timedelta(days=1)
            end = start + length
        body = {
            "summary": summary,
            "start": _point(start, time_zone),
            "end": _point(end, time_zone),
            **fields,
        }
        with self._google.store.transaction():
            calendar = self._google.calendars.get(self.user, calendar_id)
            return self._google.editing.insert(calendar, self.user, body)

    def change_event(self, event_id: str, *, calendar_id: str = "primary", **fields: Any) -> Json:
        """Change any fields of an event; None clears one."""
        with self._google.store.transaction():
            calendar = self._google.calendars.get(self.user, calendar_id)
            return self._google.editing.patch(calendar, event_id, fields)

    def move_event(
        self, event_id: str, start: Moment, end: Moment, *, calendar_id: str = "primary"
    ) -> Json:
        """Another time for an event; an instance's id moves this instance only."""
        return self.change_event(
            event_id,
            calendar_id=calendar_id,
            start={"date": None, "dateTime": None, **_point(start, None)},
            end={"date": None, "dateTime": None, **_point(end, None)},
        )

    def cancel_event(self, event_id: str, *, calendar_id: str = "primary") -> None:
        """Delete an event, a series or one instance of it."""
        with self._google.store.transaction():
            calendar = self._google.calendars.get(self.user, calendar_id)
            self._google.editing.delete(calendar, event_id)

    def replay(self, items: Iterable[Json], *, calendar_id: str = "primary") -> None:
        """What Google is recorded to list after some change, served word for word."""
        with self._google.store.transaction():
            calendar = self._google.calendars.get(self.user, calendar_id)
            self._google.events.replay(calendar, items)

    def split_series(
        self,
        instance_id: str,
        *,
        calendar_id: str = "primary",
        shift_hours: float = 0,
        **fields: Any,
    ) -> Json:
        """Change "this and following events"; the new master."""
        with self._google.store.transaction():
            calendar = self._google.calendars.get(self.user, calendar_id)
            shift = timedelta(hours=shift_hours)
            return split(self._google.events, calendar, instance_id, fields, shift)

    def event(self, event_id: str, *, calendar_id: str = "primary") -> Json:
        """The event as Google has it now."""
        with self._google.store.transaction():
            calendar = self._google.calendars.get(self.user, calendar_id)
            return self._google.events.get(calendar, event_id)

    def events(self, *, calendar_id: str = "primary") -> list[Json]:
        """Every event that is not cancelled, in order of last change."""
        with self._google.store.transaction():
            calendar_id = self._google.calendars.resolve(self.user, calendar_id)
            changed = self._google.events.changed_since(calendar_id, 0)
            return [event for _, event in changed if not is_cancelled(event)]


class DrivePeople:
    """Somebody at Drive's web page."""

    def __init__(self, google: Google, user: str = DEFAULT_USER) -> None:
        self._google = google
        self.user = user

    def as_user(self, user: str) -> "DrivePeople":
        """Somebody else; the account is made at its first sight."""
        with self._google.store.transaction():
            self._google.ensure_user(user)
        return DrivePeople(self._google, user)

    def create_folder(self, name: str, parent: str = "root", **fields: Any) -> str:
        """A folder; its id."""
        request = {"name": name, "mimeType": FOLDER, "parents": [parent], **fields}
        with self._google.store.transaction():
            return str(self._google.file_editing.create(Actor(self.user), request)["id"])

    def drop_file(
        self,
        parent: str,
        name: str,
        content: bytes = b"",
        mime_type: str = "application/octet-stream",
    ) -> str:
        """Put a file into a folder; its id."""
        media = Media(mime_type, content)
        request = {"name": name, "parents": [parent]}
        with self._google.store.transaction():
            return str(self._google.file_editing.create(Actor(self.user), request, media)["id"])

    def rename(self, file_id: str, name: str) -> None:
        """Another name for a file or folder."""
        self._update(file_id, {"name": name})

    def move(self, file_id: str, parent: str) -> None:
        """Put a file or folder into another folder."""
        old = self.file(file_id)["parents"][0]
        with self._google.store.transaction():
            self._google.file_editing.update(
                Actor(self.user), file_id, {}, add_parents=parent, remove_parents=old
            )

    def trash(self, file_id: str) -> None:
        """Into the trash."""
        self._update(file_id, {"trashed": True})

    def restore(self, file_id: str) -> None:
        """Out of the trash."""
        self._update(file_id, {"trashed": False})

    def delete(self, file_id: str) -> None:
        """Delete for good, with everything below."""
        with self._google.store.transaction():
            self._google.file_editing.delete(Actor(self.user), file_id)

    def share(self, file_id: str, email: str, role: str = "writer") -> None:
        """Let somebody in."""
        with self._google.store.transaction():
            row = self._google.files.get(self.user, file_id, all_drives=True)
            request = {"type": "user", "role": role, "emailAddress": email}
            self._google.sharing.give(row, request)

    def create_drive(self, name: str) -> str:
        """A shared drive; its id."""
        with self._google.store.transaction():
            return str(self._google.drives.create(self.user, name, {"name": name})["id"])

    def admit(self, drive_id: str, email: str) -> None:
        """Make somebody a member of a shared drive."""
        with self._google.store.transaction():
            member = {"type": "user", "role": "organizer", "emailAddress": email}
            self._google.permissions.give(drive_id, member)

    def dismiss(self, drive_id: str, email: str) -> None:
        """End somebody's membership of a shared drive."""
        with self._google.store.transaction():
            [member] = [
                each["id"]
                for each in self._google.permissions.given(drive_id)
                if each.get("emailAddress") == email
            ]
            self._google.permissions.take(drive_id, member)

    def file(self, file_id: str) -> Json:
        """The whole file resource as Google has it now."""
        with self._google.store.transaction():
            row = self._google.files.get(self.user, file_id, all_drives=True)
            return self._google.files.render(row, self.user)

    def content(self, file_id: str) -> bytes:
        """A file's bytes."""
        with self._google.store.transaction():
            row = self._google.files.get(self.user, file_id, all_drives=True)
            return self._google.files.content(row["id"])

    def children(self, folder_id: str = "root") -> list[Json]:
        """File resources of what lies in a folder and is not trashed."""
        with self._google.store.transaction():
            folder = self._google.files.get(self.user, folder_id, all_drives=True)
            rows = self._google.files.children(folder["id"])
            rendered = [self._google.files.render(row, self.user) for row in rows]
        return [file for file in rendered if not file["trashed"]]

    def tree(self, folder_id: str = "root") -> Json:
        """Names below a folder: ``{"Deals": {"ACME": {"offer.pdf": None}}}``.

        A folder is a dict, a file None. Of several folders with one name the further ones show as
        ``name (2)``, ``name (3)``: a duplicate never hides.
        """
        names: Json = {}
        for child in self.children(folder_id):
            name, number = child["name"], 1
            while name in names:
                number += 1
                name = f"{child['name']} ({number})"
            names[name] = self.tree(child["id"]) if child["mimeType"] == FOLDER else None
        return names

    def _update(self, file_id: str, request: Json) -> None:
        with self._google.store.transaction():
            self._google.file_editing.update(Actor(self.user), file_id, request)
