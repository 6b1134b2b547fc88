"""Check that nobody changed, removed or slipped in entries of the history."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from pipedesk.audit import sealing
from pipedesk.core.commands import ProductCommand


class Command(ProductCommand):
    """Compares the history with its chain of seals; exit code 1 at the first fault."""

    help = "Checks the history against its seals; names the first bad or missing entry."
    example = "manage.py verify_audit --anchor 3f2a…"

    def add_own_arguments(self, parser: CommandParser) -> None:
        """The anchor."""
        parser.add_argument(
            "--anchor", type=_hash, help=_("a head that was logged: it must still be there")
        )

    def run(self, *args: Any, anchor: str | None = None, **options: Any) -> dict[str, Any]:
        """Verify."""
        found = sealing.verify(anchor)
        if found.fault is not None:
            raise CommandError(found.fault.text)
        facts = {"count": found.sealed, "head": found.head}
        self.say(_("%(count)s sealed entries are as they were written. Head: %(head)s") % facts)
        return {"sealed": found.sealed, "head": found.head}


def _hash(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ArgumentTypeError(_("64 hexadecimal digits"))
    return text
