"""`sync_roles`: the role table into the admin's groups."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from pipedesk.accounts.groups import sync_roles
from pipedesk.core.commands import ProductCommand


class Command(ProductCommand):
    """Writes groups, their permissions and their members."""

    help = "Write the role table into auth groups; users join the groups of their roles."
    example = "manage.py sync_roles"
    writes = True

    def run(self, **options: Any) -> dict[str, Any]:
        """Make the groups say what the table says."""
        changes = sync_roles(dry_run=self.dry_run)
        for change in changes:
            self.say(change)
        if not changes:
            self.say(_("Nothing to change."))
        return {"changes": changes}
