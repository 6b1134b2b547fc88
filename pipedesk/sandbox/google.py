"""The whole stand-in: its state and the parts that act on it."""

import secrets
import threading
from pathlib import Path

from pipedesk.sandbox.calendar.calendars import Calendars
from pipedesk.sandbox.calendar.editing import Editing
from pipedesk.sandbox.calendar.events import Events, PendingConference
from pipedesk.sandbox.calendar.listing import Listing
from pipedesk.sandbox.channels import Channels
from pipedesk.sandbox.clock import Clock
from pipedesk.sandbox.drive.changes import Changes
from pipedesk.sandbox.drive.contents import Contents
from pipedesk.sandbox.drive.drives import Drives
from pipedesk.sandbox.drive.editing import FileEditing
from pipedesk.sandbox.drive.files import Files
from pipedesk.sandbox.drive.permissions import Permissions
from pipedesk.sandbox.drive.searching import Searching
from pipedesk.sandbox.drive.sharing import Sharing
from pipedesk.sandbox.drive.uploads import Uploads
from pipedesk.sandbox.faults import Faults
from pipedesk.sandbox.identity import DEFAULT_USER
from pipedesk.sandbox.journal import Journal
from pipedesk.sandbox.push import Pusher
from pipedesk.sandbox.request_log import RequestLog
from pipedesk.sandbox.store import Store

MEET_DELAY_S = 0.2


class Google:
    """Accounts, calendars, files, channels. Every change happens inside ``store.transaction()``."""

    def __init__(self, data: Path | None = None) -> None:
        self._closed = False
        self.clock = Clock()
        self.store = Store(Journal(data) if data else None)
        self.faults = Faults()
        self.requests = RequestLog()
        self._accounts = self.store.table("accounts")
        self._marks = self.store.table("marks")
        self.channels = Channels(self.store, self.clock)
        self.calendars = Calendars(self.store)
        self.events = Events(self.store, self.clock)
        self.editing = Editing(self.events, self.clock)
        self.listing = Listing(self.events, self.clock, self._generation)
        self.permissions = Permissions(self.store)
        self.contents = Contents(data.with_name(data.name + "-contents") if data else None)
        self.files = Files(self.store, self.clock, self.permissions, self.contents)
        self.drives = Drives(self.store, self.clock, self.files)
        self.file_editing = FileEditing(self.files, self.clock)
        self.sharing = Sharing(self.files)
        self.searching = Searching(self.files, self.drives)
        self.changes = Changes(self.files, self.drives)
        self.uploads = Uploads(self.contents)
        self.pusher = Pusher(self.channels, self.clock, self.faults)
        self.store.listen(self.pusher.hear)
        self.store.listen(self._hear)
        self.store.load()
        self.contents.sweep(self.files.contents_known())
        self._prepare()

    def start(self) -> None:
        """Start delivering push messages, and finish the Meet links a restart interrupted."""
        self.pusher.start()
        self._hear(list(self.events.pending_conferences()))

    def close(self) -> None:
        """Stop delivering and close the journal."""
        self._closed = True
        self.pusher.close()
        with self.store.transaction():
            self.store.close()
        self.contents.close()

    def ensure_user(self, user: str) -> None:
        """Make the account at its first sight: a primary calendar and an empty My Drive."""
        if user in self._accounts:
            return
        self._accounts.put(user, {"email": user})
        self.calendars.add_account(user)
        self.files.add_account(user)

    def users(self) -> list[str]:
        """Every account, the default one first."""
        return [row["email"] for row in self._accounts.values()]

    def expire_tokens(self) -> None:
        """From now on every sync token given out so far answers 410."""
        with self.store.transaction():
            self._marks.put("generation", {"value": secrets.token_hex(8)})

    def reset(self) -> None:
        """Back to a fresh sandbox: state, faults, clock, counters."""
        self.pusher.clear()
        self.faults.clear()
        self.clock.reset()
        self.requests.clear()
        self.uploads.clear()
        self.store.clear()
        self.contents.clear()
        self._prepare()

    def _prepare(self) -> None:
        with self.store.transaction():
            if "generation" not in self._marks:
                self._marks.put("generation", {"value": secrets.token_hex(8)})
            self.ensure_user(DEFAULT_USER)

    def _generation(self) -> str:
        row = self._marks.get("generation") or {}
        return str(row.get("value"))

    def _hear(self, happenings: list[object]) -> None:
        """Meet links come some moments after the event, by a change of their own."""
        for happening in happenings:
            if isinstance(happening, PendingConference):
                timer = threading.Timer(MEET_DELAY_S, self.complete_conference, (happening,))
                timer.daemon = True
                timer.start()

    def complete_conference(self, pending: PendingConference) -> None:
        """Finish a Meet request."""
        with self.store.transaction():
            if self._closed:
                return
            calendar = self.calendars.stored(pending.calendar_id)
            if calendar is not None:
                self.editing.complete_conference(calendar, pending.event_id)
