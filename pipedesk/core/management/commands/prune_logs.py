"""Drop what is only kept for a while."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from pipedesk.core.commands import ProductCommand
from pipedesk.core.pruning import prune


class Command(ProductCommand):
    """The same as the daily job."""

    help = "Drops old results of jobs and old push messages."
    example = "manage.py prune_logs --dry-run"
    writes = True

    def run(self, *args: Any, **options: Any) -> dict[str, Any]:
        """Every room drops its own."""
        dropped = prune(dry_run=self.dry_run)
        for what, count in dropped.items():
            self.say(_("%(what)s: %(count)s") % {"what": what, "count": count})
        return {"dropped": dropped}
