"""Compare folder trees with Drive, and mend what differs."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from gdrive import checking, entities, layout, repair, sync
from gdrive.checking import Finding, Kind
from gdrive.models import DriveFolderTree, DriveSyncState, EntityType
from pipedesk.core.commands import CheckFailed, ProductCommand, UsageError
from pipedesk.core.exceptions import Conflict, GiveUp, InvalidInput
from pipedesk.core.finishing import finish
from pipedesk.google.errors import GoogleError

SHOWN = 1000  # findings named in the report; the others are counted


class Command(ProductCommand):
    """Reads only, unless --fix is given."""

    help = "Compares folder trees with Drive; --fix restores, makes anew, writes down. No deleting."
    example = "manage.py check_drive --fix"
    writes = True

    def add_own_arguments(self, parser: CommandParser) -> None:
        """Which trees, and what to do."""
        parser.add_argument("--entity", nargs=2, metavar=("TYPE", "ID"), help=_("only this record"))
        parser.add_argument("--fix", action="store_true", help=_("do what the plan says"))
        parser.add_argument(
            "--take-back",
            action="store_true",
            help=_("give folders our names and places again; else people's are kept"),
        )
        parser.add_argument(
            "--recreate-places",
            action="store_true",
            help=_("make a place of many records anew; else it counts as access that was lost"),
        )

    def run(self, *args: Any, **options: Any) -> dict[str, Any]:
        """Check places first, then tree by tree."""
        self.fixes = options["fix"] and not self.dry_run
        self.take_back = options["take_back"]
        self.counts: Counter[str] = Counter()
        self.findings: list[dict[str, str]] = []
        self.behind = False
        pks = self._chosen(options["entity"])
        checked = 0
        try:
            if self._places(recreate=options["recreate_places"]):
                checked = self._trees(pks)
                if pks is None:
                    self._unknown()
        except (GoogleError, GiveUp) as failure:
            raise CheckFailed(_("Drive could not be read: %(why)s") % {"why": failure}) from failure
        if self.behind and self.fixes:
            self._read_anew()
        return self._report(checked)

    def _chosen(self, entity: list[str] | None) -> list[int] | None:
        if entity is None:
            return None
        entity_type, entity_id = entity
        if entity_type not in EntityType.values or not entities.exists(entity_type, entity_id):
            raise UsageError(
                _("There is no %(type)s “%(id)s”.") % {"type": entity_type, "id": entity_id}
            )
        trees = DriveFolderTree.objects.of(entity_type, entities.as_uuid(entity_id))
        return list(trees.values_list("pk", flat=True))

    def _places(self, *, recreate: bool) -> bool:
        """Whether every place is there, or was mended: else nothing in it can be judged."""
        is_whole = True
        for finding in list(checking.places()):
            self._tell(finding)
            if self.fixes and (recreate or finding.kind != Kind.GONE):
                repair.fix_place(finding, take_back=self.take_back)
            elif finding.kind == Kind.GONE:
                is_whole = False
                msg = _("“%(name)s” is gone: is it still shared with us? See --recreate-places.")
                self.fault(msg % {"name": finding.name})
        return is_whole

    def _trees(self, pks: list[int] | None) -> int:
        checked = 0
        count = DriveFolderTree.objects.count() if pks is None else len(pks)
        steps = -(-count // checking.TREES_AT_ONCE)
        chunks = checking.chunks_of_trees(pks)
        for chunk in self.progress(chunks, total=steps, label=_("trees"), unit=_("batches")):
            checked += len(chunk)
            by_tree: dict[int, list[Finding]] = defaultdict(list)
            for finding in checking.of_trees(chunk):
                self._tell(finding)
                self.behind |= finding.kind == Kind.BEHIND
                if finding.tree is not None:
                    by_tree[finding.tree.pk].append(finding)
            for findings in by_tree.values() if self.fixes else ():
                self._fix(findings)
        return checked

    def _fix(self, findings: list[Finding]) -> None:
        try:
            reasons = repair.fix_tree(findings, take_back=self.take_back)
        except GoogleError as failure:
            reasons = [str(failure)]
        for reason in reasons:
            self.fault(f"{findings[0].entity_type} {findings[0].entity_id}: {reason}")

    def _unknown(self) -> None:
        for finding in list(checking.unknown_roots()):
            self._tell(finding)
            if not self.fixes:
                continue
            try:
                reason = repair.fix_unknown(finding)
            except (GoogleError, Conflict, InvalidInput) as refusal:
                reason = str(refusal)
            if reason:
                self.fault(f"{finding.entity_type} {finding.entity_id}: {reason}")

    def _read_anew(self) -> None:
        for state in repair.ask_for_reading():
            failure = finish(DriveSyncState.objects.all(), state.pk, sync.follow)
            if failure:
                self.fault(f"{state}: {failure}")

    def _tell(self, finding: Finding) -> None:
        self.counts[finding.kind.value] += 1
        if len(self.findings) < SHOWN:
            self.findings.append(finding.as_row())
            whose = f"{finding.entity_type} {finding.entity_id}".strip() or layout.ROOT_KEY
            self.say(f"{finding.kind.label}: {whose} {finding.name} {finding.now}".rstrip())

    def _report(self, checked: int) -> dict[str, Any]:
        report = {"trees": checked, "counts": dict(self.counts), "findings": self.findings}
        if not self.counts:
            self.say(_("%(count)d folder trees are as they should be.") % {"count": checked})
        elif not self.fixes:
            count = sum(self.counts.values())
            message = _("%(count)d differences. --fix mends them.") % {"count": count}
            raise CheckFailed(message, **report)
        return report
