"""Make the default folder templates that are missing."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from gdrive.default_templates import ensure_templates, missing
from pipedesk.core.commands import ProductCommand


class Command(ProductCommand):
    """Never touches a template that is there."""

    help = "Makes a default folder template for each kind of record that has none."
    example = "manage.py ensure_templates"
    writes = True

    def run(self, *args: Any, **options: Any) -> dict[str, Any]:
        """Make them, or with --dry-run name them."""
        names = missing() if self.dry_run else ensure_templates()
        for name in names:
            self.say(name)
        if not names:
            self.say(_("Every kind of record has a template."))
        return {"templates": names}
