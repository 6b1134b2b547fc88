"""Reading a drive's folder trees anew, in pieces that survive: mark what is shown, sweep the rest.

Entities' own folders are found in their places, then everything below is listed folder by
folder; an own folder that is in no place is asked for by its id, and so are the folders around
entities' own ones. Whatever then lacks the mark is looked at before it counts as gone, so that a
list that comes back empty empties nothing.
"""

from __future__ import annotations

from time import monotonic

from django.db import transaction
from django.db.models import Case, F, Max, Q, Value, When
from django.utils import timezone

from gdrive import ancestry, applying, client, crawling
from gdrive.completing import complete
from gdrive.models import DriveFile, DriveFolder, DriveFolderNode, DriveSyncState
from gdrive.models.mirror import DriveFileQuerySet
from gdrive.parsing import FOLDER_MIME_TYPE, Change, RemoteFile
from pipedesk.core.work import Lease

LOOKED_AT_ONCE = 20


def read(lease: Lease, state: DriveSyncState, deadline: float) -> bool:
    """Read on until everything was read and swept; False when the time slice ended before.

    `state` then holds the cursor to follow from (`reading_token`). Raises GoogleError.
    """
    reading = Reading(lease, state)
    if state.reading_token is None:
        reading.begin()
    while monotonic() < deadline:
        if not (
            reading.list_folders()
            or reading.look_for_roots()
            or reading.look_above()
            or reading.sweep()
        ):
            return True
    return False


class Reading:
    """One reading of one drive."""

    def __init__(self, lease: Lease, state: DriveSyncState) -> None:
        self.lease = lease
        self.state = state
        # Entities' folders that were asked for in vain and have no row to say so.
        self.absent: set[str] = set()

    def begin(self) -> None:
        """Take a fresh cursor, then show the places and the entities' folders in them."""
        state = self.state
        state.reading_at = timezone.now()
        state.reading_token = client.get_start_page_token(state.drive_id)
        places = list(
            DriveFolderNode.objects.shared().created().values_list("google_id", flat=True)
        )
        roots = set(DriveFolder.objects.alive().values_list("folder_id", flat=True))
        listed = crawling.inside(places, state.drive_id, self.lease.write)
        shown = [file for file in listed if file.file_id in roots]
        here = [file for file in shown if file.drive_id == state.drive_id]
        changes = crawling.look(places, self.lease.write) + _changes(here)
        told = complete(state, [change for change in changes if change.file], self.lease.write)
        with transaction.atomic():
            DriveSyncState.objects.lock()
            newest = DriveSyncState.objects.aggregate(newest=Max("reading"))["newest"]
            state.reading = newest + 1
            self.lease.write(
                attempts=0,
                reading=state.reading,
                reading_token=state.reading_token,
                reading_at=state.reading_at,
            )
            applying.apply(state, told)
            self._mark([*places, *(file.file_id for file in here)])

    def list_folders(self) -> bool:
        """What lies in some folders that were shown; False: all were listed."""
        waiting = self._rows().filter(read_in=self.state.reading, listed_in__lt=self.state.reading)
        ids = list(waiting.values_list("file_id", flat=True)[: crawling.PARENTS_PER_LIST])
        if not ids:
            return False
        files = crawling.inside(ids, self.state.drive_id, self.lease.write)
        self._write(_changes(files), listed=ids)
        return True

    def look_for_roots(self) -> bool:
        """Entities' folders that no list showed: somebody put them elsewhere, or deleted them."""
        number = self.state.reading
        elsewhere = DriveFile.objects.exclude(drive_id=self.state.drive_id)
        done = DriveFile.objects.filter(Q(read_in=number) | Q(listed_in=number))
        missing = (
            DriveFolder.objects.alive()
            .exclude(folder_id__in=elsewhere.values("file_id"))
            .exclude(folder_id__in=done.values("file_id"))
            .exclude(folder_id__in=self.absent)
        )
        ids = list(missing.values_list("folder_id", flat=True)[:LOOKED_AT_ONCE])
        if not ids:
            return False
        looked = crawling.look(ids, self.lease.write)
        gone = [change.file_id for change in looked if change.file is None]
        self.absent.update(gone)
        self._write([change for change in looked if change.file], listed=gone)
        return True

    def look_above(self) -> bool:
        """Folders noted because they stand around entities': one may stand elsewhere by now."""
        number = self.state.reading
        noted = self._rows().filter(unavailable_at__isnull=False, file_id__in=ancestry.ids_above())
        waiting = noted.filter(read_in__lt=number, listed_in__lt=number)
        ids = list(waiting.values_list("file_id", flat=True)[:LOOKED_AT_ONCE])
        if not ids:
            return False
        looked = crawling.look(ids, self.lease.write)
        self._write(looked, listed=[change.file_id for change in looked if change.file is None])
        return True

    def sweep(self) -> bool:
        """Some of what was not shown: gone, unless it shows when it is asked for by its id."""
        number = self.state.reading
        unseen = self._rows().in_reach().filter(read_in__lt=number)
        inner = unseen.filter(parent_folder_id__in=unseen.values("file_id"))
        tops = list((unseen.exclude(pk__in=inner.values("pk")) or unseen)[:LOOKED_AT_ONCE])
        if not tops:
            return False
        asked = [row.file_id for row in tops if row.listed_in < number]
        looked = crawling.look(asked, self.lease.write)
        believed = [Change(row.file_id, None) for row in tops if row.listed_in >= number]
        self._write(looked + believed, listed=[])
        return True

    def _rows(self) -> DriveFileQuerySet:
        return DriveFile.objects.filter(drive_id=self.state.drive_id).order_by("pk")

    def _write(self, changes: list[Change], listed: list[str]) -> None:
        shown = [change for change in changes if change.file]
        told = complete(self.state, shown, self.lease.write)
        told.add(change for change in changes if change.file is None)
        with transaction.atomic():
            DriveSyncState.objects.lock()
            self.lease.write(attempts=0)
            applying.apply(self.state, told)
            self._mark([change.file_id for change in shown])
            DriveFile.objects.filter(file_id__in=listed).update(listed_in=self.state.reading)

    def _mark(self, shown: list[str]) -> None:
        """Files have nothing to list."""
        number = self.state.reading
        listed_in = Case(
            When(mime_type=FOLDER_MIME_TYPE, then=F("listed_in")), default=Value(number)
        )
        rows = DriveFile.objects.filter(file_id__in=shown)
        rows.update(read_in=number, listed_in=listed_in)


def _changes(files: list[RemoteFile]) -> list[Change]:
    return [Change(file.file_id, file) for file in files]
