"""The base command: what people see, what machines read, how it ends."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from pipedesk.core.commands import ProductCommand


class Counting(ProductCommand):
    help = "Counts."
    example = "manage.py counting"
    writes = True
    failing: tuple[int, ...] = ()
    interrupted = False

    def run(self, **options: Any) -> dict[str, Any]:
        for step in self.progress(range(40), label="counting"):
            if step in self.failing:
                self.fault(f"{step} failed")
            if self.interrupted:
                raise KeyboardInterrupt
        self.say("counted")
        return {"counted": 40, "dry_run": self.dry_run}


@pytest.fixture
def count() -> Callable[..., tuple[str, str]]:
    def call(*arguments: str, failing: tuple[int, ...] = (), **state: Any) -> tuple[str, str]:
        out, err = io.StringIO(), io.StringIO()
        command = Counting(stdout=out, stderr=err, no_color=True)
        command.failing = failing
        command.interrupted = state.get("interrupted", False)
        try:
            call_command(command, *arguments)
        finally:
            call.seen = out.getvalue(), err.getvalue()  # type: ignore[attr-defined]
        return call.seen  # type: ignore[attr-defined]

    return call


def test_without_a_terminal_progress_is_plain_lines(count: Any) -> None:
    out, err = count()

    assert out == "counted\n"
    assert err.splitlines()[0] == "counting: 2/40 rows"
    assert err.splitlines()[-1] == "counting: 40/40 rows"


def test_no_progress_is_quiet(count: Any) -> None:
    assert count("--no-progress") == ("counted\n", "")


def test_json_is_one_document_and_nothing_else(count: Any) -> None:
    out, err = count("--json", "--dry-run")

    assert json.loads(out) == {"ok": True, "counted": 40, "dry_run": True, "faults": []}
    assert err == ""


def test_a_part_that_fails_makes_it_partly_done(count: Any) -> None:
    with pytest.raises(CommandError) as failure:
        count("--json", failing=(3, 5))

    assert failure.value.returncode == 3
    assert json.loads(count.seen[0])["faults"] == ["3 failed", "5 failed"]


def test_an_interruption_is_partly_done(count: Any) -> None:
    with pytest.raises(CommandError) as failure:
        count(interrupted=True)

    assert failure.value.returncode == 3


def test_wrong_usage_is_two() -> None:
    with pytest.raises(SystemExit) as left:
        Counting().run_from_argv(["manage.py", "counting", "--nonsense"])

    assert left.value.code == 2


def test_help_has_the_example() -> None:
    assert "Example: manage.py counting" in Counting().create_parser("manage.py", "x").format_help()
