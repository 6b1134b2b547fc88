"""Values against Google's schemas."""

from typing import Any

import pytest

from pipedesk.sandbox.discovery import methods

CALENDAR = methods()["calendar.events.get"].api.schemas
DRIVE = methods()["drive.files.get"].api.schemas


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({"id": 7}, "Event.id must be of type string"),
        ({"sequence": True}, "Event.sequence must be of type integer"),
        ({"sequence": 2**31}, "Event.sequence does not have the format int32"),
        ({"updated": "today"}, "Event.updated does not have the format date-time"),
        ({"start": {"date": "2026-13-01"}}, "Event.start.date does not have the format date"),
        ({"attendees": [{"email": None}, {"mail": "x"}]}, "Event.attendees[1].mail is unknown"),
        ({"extendedProperties": {"private": {"a": 1}}},
         "Event.extendedProperties.private.a must be of type string"),
        ([], "Event must be of type object"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_named(value: Any, fault: str) -> None:
    assert CALENDAR.faults("Event", value) == [fault]


def test_values_that_fit_have_no_fault() -> None:
    event = {"start": {"date": "2026-11-23"}, "recurrence": ["RRULE:FREQ=DAILY"], "summary": None}
    assert CALENDAR.faults("Event", event) == []


def test_sixty_four_bit_numbers_are_strings() -> None:
    assert DRIVE.faults("File", {"size": "12"}) == []
    assert DRIVE.faults("File", {"size": 12}) == ["File.size must be of type string"]
    assert DRIVE.faults("File", {"size": "1.5"}) == ["File.size does not have the format int64"]
