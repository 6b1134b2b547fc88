"""The base of the product's commands: progress, `--json`, `--dry-run`, exit codes.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 partly done (or interrupted: run it again).
"""

from __future__ import annotations

import argparse
import json
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sized
from typing import Any, ClassVar, TypeVar

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from rest_framework.utils.encoders import JSONEncoder
from tqdm import tqdm

FAILED, USAGE, PARTLY = 1, 2, 3
LINES = 20  # progress lines of a whole run where there is no terminal

T = TypeVar("T")


class UsageError(CommandError):
    """The command was called wrongly (exit code 2)."""

    def __init__(self, message: str) -> None:
        super().__init__(message, returncode=USAGE)


class CheckFailed(CommandError):
    """What was to be proven is not so (exit code 1); `report` goes into `--json`."""

    def __init__(self, message: str, **report: Any) -> None:
        super().__init__(message, returncode=FAILED)
        self.report = report


class ProductCommand(BaseCommand):
    """A command of the product.

    Subclasses set `help`, `example` and, where they write, `writes`; they add their own
    arguments in `add_own_arguments` and do their work in `run`, which returns what `--json`
    prints. What fails without stopping the rest is told to `fault`, and makes the exit code 3.
    """

    example: ClassVar[str] = ""
    writes: ClassVar[bool] = False

    _options: dict[str, Any]
    _faults: list[str]

    @abstractmethod
    def run(self, *args: Any, **options: Any) -> dict[str, Any]:
        """Do the work. Raises CommandError when it cannot be done."""

    def add_own_arguments(self, parser: CommandParser) -> None:
        """The command's own arguments."""

    # --- For subclasses ----------------------------------------------------------------------

    @property
    def dry_run(self) -> bool:
        """Whether nothing may be written."""
        return bool(self._options.get("dry_run"))

    def say(self, text: str) -> None:
        """A line for people; kept quiet with `--json`."""
        if not self._options["json"]:
            with tqdm.external_write_mode(file=self.stdout):
                self.stdout.write(text)

    def fault(self, text: str) -> None:
        """Something failed, and the rest goes on."""
        self._faults.append(text)
        if not self._options["json"]:
            with tqdm.external_write_mode(file=self.stderr):
                self.stderr.write(self.style.ERROR(text))

    def progress(
        self, steps: Iterable[T], *, total: int | None = None, label: str = "", unit: str = "rows"
    ) -> Iterator[T]:
        """The steps one by one: a bar on a terminal, now and then a line anywhere else."""
        if total is None and isinstance(steps, Sized):
            total = len(steps)
        quiet = self._options["json"] or self._options["no_progress"]
        if quiet:
            yield from steps
        elif self.stderr.isatty():
            yield from tqdm(steps, total=total, desc=label, unit=f" {unit}", file=self.stderr)
        else:
            yield from self._lines(steps, total, label, unit)

    # --- Machinery ---------------------------------------------------------------------------

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """The parser, with the example below the help."""
        if self.example:
            kwargs["epilog"] = _("Example: %(example)s") % {"example": self.example}
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        """The arguments every command has."""
        output = parser.add_argument_group(_("output"))
        output.add_argument("--json", action="store_true", help=_("one JSON document on stdout"))
        output.add_argument(
            "--no-progress", action="store_true", help=_("no progress bar or lines")
        )
        if self.writes:
            parser.add_argument(
                "--dry-run", action="store_true", help=_("say what would be done, write nothing")
            )
        self.add_own_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run, report, and leave with the right exit code."""
        self._options, self._faults = options, []
        try:
            report = self.run(**options)
        except KeyboardInterrupt:
            raise CommandError(
                _("Interrupted. Run it again to go on."), returncode=PARTLY
            ) from None
        except CommandError as failure:
            self._print({"ok": False, "error": str(failure), **getattr(failure, "report", {})})
            raise
        self._print({"ok": not self._faults, **report, "faults": self._faults})
        if self._faults:
            message = _("%(count)s of it failed.") % {"count": len(self._faults)}
            raise CommandError(message, returncode=PARTLY)

    def _print(self, report: dict[str, Any]) -> None:
        if self._options["json"]:
            self.stdout.write(json.dumps(report, cls=JSONEncoder, ensure_ascii=False))

    def _lines(self, steps: Iterable[T], total: int | None, label: str, unit: str) -> Iterator[T]:
        every = max(1, total // LINES) if total else 1000
        done, label = 0, label or _("done")
        for done, step in enumerate(steps, start=1):
            yield step
            if done % every == 0:
                of = f"/{total}" if total else ""
                self.stderr.write(f"{label}: {done}{of} {unit}")
        if not total and done % every:
            self.stderr.write(f"{label}: {done} {unit}")


def positive_int(text: str) -> int:
    """An argparse type: a whole number above zero."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(_("a whole number above zero"))
    return number
