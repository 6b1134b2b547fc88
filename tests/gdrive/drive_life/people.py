"""People at Drive's web page, who do as they like."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from hypothesis import strategies as st
from hypothesis.stateful import rule

from gdrive.models import DriveFolder
from pipedesk.sandbox.errors import GoogleError
from tests.gdrive.drive_life.life import Life, names, numbers


class PeopleInDrive(Life):
    """Make, rename, move, trash, delete: anything, and the records' own folders above all."""

    def _try(self, deed: Callable[[], object]) -> None:
        """What Drive refuses (a folder into itself) is no deed."""
        with suppress(GoogleError):
            deed()

    def _any(self, number: int) -> str | None:
        files = self.desk.plain().movable()
        return files[number % len(files)] if files else None

    def _folder(self, number: int) -> str:
        folders = self.desk.plain().folders()
        return folders[number % len(folders)]

    @rule(folder=numbers, name=names)
    def people_create_folder(self, folder: int, name: str) -> None:
        """A new folder anywhere."""
        self._try(lambda: self.people.create_folder(self.new_name(name), self._folder(folder)))

    @rule(folder=numbers, name=names, size=st.sampled_from([0, 1, 5000]))
    def people_drop_file(self, folder: int, name: str, size: int) -> None:
        """A new file anywhere."""
        content = b"x" * size
        self._try(lambda: self.people.drop_file(self._folder(folder), self.new_name(name), content))

    @rule(number=numbers, name=names)
    def people_rename(self, number: int, name: str) -> None:
        """Another name."""
        if file_id := self._any(number):
            self._try(lambda: self.people.rename(file_id, self.new_name(name)))

    @rule(number=numbers, folder=numbers)
    def people_move(self, number: int, folder: int) -> None:
        """Anything anywhere, other drives included."""
        if file_id := self._any(number):
            self._try(lambda: self.people.move(file_id, self._folder(folder)))

    @rule(number=numbers)
    def people_trash(self, number: int) -> None:
        """Into the trash."""
        if file_id := self._any(number):
            self._try(lambda: self.people.trash(file_id))

    @rule(number=numbers)
    def people_restore(self, number: int) -> None:
        """Out of the trash, the one that was put there."""
        plain = self.desk.plain()
        trashed = [key for key in plain.movable() if plain.rows[key]["trashed"]]
        if trashed:
            self._try(lambda: self.people.restore(trashed[number % len(trashed)]))

    @rule(number=numbers)
    def people_delete(self, number: int) -> None:
        """For good, with everything below; no place of many records, which ends the play."""
        plain = self.desk.plain()
        places = {
            key
            for key, row in plain.rows.items()
            if (marks := row["body"].get("appProperties")) and "entity_id" not in marks
        }
        around = {each for place in places for each in plain.way_up(place)}
        files = [key for key in plain.movable() if key not in around]
        if files:
            self._try(lambda: self.people.delete(files[number % len(files)]))

    def _own(self, number: int) -> str | None:
        """A record's own folder that is there."""
        roots = DriveFolder.objects.order_by("pk").values_list("folder_id", flat=True)
        there = [root for root in roots if root in self.desk.plain().rows]
        return there[number % len(there)] if there else None

    def _around(self, number: int) -> str | None:
        """A folder of nobody's around a record's own one."""
        plain = self.desk.plain()
        roots = DriveFolder.objects.order_by("pk").values_list("folder_id", flat=True)
        around = [
            each
            for root in roots
            if root in plain.rows
            for each in plain.way_up(root)
            if plain.parent(each) and "appProperties" not in plain.rows[each]["body"]
        ]
        return around[number % len(around)] if around else None

    def _wrap(self, file_id: str) -> None:
        """A foreign folder around something, where it lies."""
        wrap = self.people.create_folder(self.new_name("Wrap"), self.desk.plain().parent(file_id))
        self._try(lambda: self.people.move(file_id, wrap))

    @rule(number=numbers)
    def people_wrap(self, number: int) -> None:
        """A foreign folder around a record's own one."""
        if root := self._own(number):
            self._wrap(root)

    @rule(number=numbers, deed=st.sampled_from(["wrap", "trash", "trash", "restore", "delete"]))
    def people_meddle_above(self, number: int, deed: str) -> None:
        """What happens to a folder around a record's own one happens to that one."""
        if around := self._around(number):
            if deed == "wrap":
                self._wrap(around)
            else:
                self._try(lambda: getattr(self.people, deed)(around))
        else:
            self.people_wrap(number)

    @rule(number=numbers, folder=numbers)
    def people_move_above(self, number: int, folder: int) -> None:
        """A folder around a record's own one goes anywhere."""
        if around := self._around(number):
            self._try(lambda: self.people.move(around, self._folder(folder)))
        else:
            self.people_wrap(number)

    @rule(number=numbers, is_above=st.booleans(), is_back=st.booleans())
    def people_carry(self, number: int, is_above: bool, is_back: bool) -> None:
        """A record's own folder to the shared drive with all around it, or back among its own."""
        if carried := (self._around if is_above else self._own)(number):
            home = self.desk.plain().folders()[0]
            self._try(lambda: self.people.move(carried, home if is_back else self.shared_drive))
