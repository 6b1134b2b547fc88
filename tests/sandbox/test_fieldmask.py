"""Partial answers."""

import pytest

from pipedesk.sandbox.errors import GoogleError
from pipedesk.sandbox.fieldmask import apply, parse

ANSWER = {
    "kind": "k",
    "files": [{"id": "1", "name": "a", "owners": [{"me": True, "emailAddress": "x"}]}],
}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("kind", {"kind": "k"}),
        ("*", ANSWER),
        ("files/id", {"files": [{"id": "1"}]}),
        ("files(id,name)", {"files": [{"id": "1", "name": "a"}]}),
        (
            "kind, files(id, owners/me)",
            {"kind": "k", "files": [{"id": "1", "owners": [{"me": True}]}]},
        ),
        ("files(owners(*))", {"files": [{"owners": ANSWER["files"][0]["owners"]}]}),
        ("files/*/me", {"files": [{"id": "1", "name": "a", "owners": [{"me": True}]}]}),
        ("missing", {}),
    ],
)
def test_a_mask_keeps_what_it_names(fields: str, expected: object) -> None:
    assert apply(parse(fields), ANSWER) == expected


@pytest.mark.parametrize("fields", ["", "a,", "a(b", "a)b", "(a)", "a//b", "a b$", ",a", "a()"])
def test_a_malformed_mask_is_refused(fields: str) -> None:
    with pytest.raises(GoogleError) as refusal:
        parse(fields)
    assert (refusal.value.status, refusal.value.location) == (400, "fields")
