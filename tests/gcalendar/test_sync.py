"""Full and incremental syncs against the sandbox, over HTTP."""

from __future__ import annotations

from tests.gcalendar.conftest import Mirror, at, fill, shown


def test_created_moved_and_cancelled_events_are_followed(mirror: Mirror) -> None:
    made = fill(mirror, 3)
    mirror.synced()
    assert shown() == ["m0", "m1", "m2"]
    assert mirror.calendar.google_id == "ana@pipedesk.example"

    mirror.people.move_event(made[0]["id"], at(5), at(5, 14))
    mirror.people.cancel_event(made[1]["id"])
    mirror.people.create_event("m3", at(2))
    mirror.synced()

    assert shown() == ["m2", "m3", "m0"]
