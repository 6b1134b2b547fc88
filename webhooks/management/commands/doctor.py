"""Examine the installation."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pipedesk.core.commands import CheckFailed, ProductCommand
from webhooks.doctor import examine


class Command(ProductCommand):
    """Reads only, and says for each fault what to do."""

    help = (
        "Checks settings, database, queue, Google credentials, scopes, delegation, Drive root and"
        " webhook reachability; for each fault the remedy."
    )
    example = "manage.py doctor --json"
    # Faulty settings are for it to tell, with all the others.
    requires_system_checks = ()

    def run(self, *args: Any, **options: Any) -> dict[str, Any]:
        """Exit code 1 where there is a fault."""
        findings = []
        for finding in examine():
            findings.append(finding)
            sign = "✗" if finding.remedy else "✓"
            self.say(f"{sign} {finding.name}: {finding.text}")
            if finding.remedy:
                self.say(f"  → {finding.remedy}")
        report = {"findings": [asdict(finding) for finding in findings]}
        count = sum(bool(finding.remedy) for finding in findings)
        if count:
            text = ngettext("%(n)d fault.", "%(n)d faults.", count) % {"n": count}
            raise CheckFailed(text, **report)
        self.say(_("Everything is sound."))
        return report
