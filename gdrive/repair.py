"""Bring the journal and Drive together again: one remedy for each finding of gdrive.checking.

What people renamed or moved stays as they put it and is written down as theirs, unless it is
asked back. What is missing is restored or made anew by the trees' own jobs, which survive
whoever dies. Nothing is ever deleted.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from gdrive import marking, provisioning, remedies, takeover
from gdrive.checking import Finding, Kind
from gdrive.models import DriveFolderNode, DriveFolderTree, DriveSyncState
from pipedesk.core.finishing import finish

Remedy = DriveFolderNode.Remedy
ASKED = {Kind.GONE: Remedy.RECREATE, Kind.TRASHED: Remedy.RESTORE}


def ask(findings: Iterable[Finding], *, take_back: bool = False) -> set[int]:
    """Write down what is to be done about these findings of trees; returns the trees concerned.

    With `take_back` folders get our names and places again instead of keeping people's. The
    trees' jobs are asked for.
    """
    concerned: set[int] = set()
    with transaction.atomic():
        for finding in findings:
            if finding.tree is None or finding.kind in (Kind.DOUBLED, Kind.BEHIND):
                continue
            if finding.node is not None:
                _settle(finding, finding.node, take_back=take_back)
            concerned.add(finding.tree.pk)
        for pk in sorted(concerned):
            if not DriveFolderTree.objects.filter(pk=pk).revive():
                DriveFolderTree.objects.request(pk)
    return concerned


def fix_tree(findings: list[Finding], *, take_back: bool = False) -> list[str]:
    """Remedy what was found about one tree, now; returns what failed.

    Raises GoogleError.
    """
    for finding in findings:
        if finding.kind == Kind.DOUBLED:
            marking.mark(finding.folder_id, marking.NO_MARKS)
    failures = []
    for pk in ask(findings, take_back=take_back):
        failure = finish(DriveFolderTree.objects.all(), pk, provisioning.provision)
        failures += [failure] if failure else []
    return failures


def fix_place(finding: Finding, *, take_back: bool = False) -> None:
    """Remedy what was found about a place of many records; one made anew is created by the
    first tree that needs it. Raises GoogleError.
    """
    node = finding.node
    if node is None:
        return
    _settle(finding, node, take_back=take_back)
    node.refresh_from_db()
    if node.remedy:
        remedies.carry_out(node, lambda: None)


def fix_unknown(finding: Finding) -> str:
    """Let the record have the folder that carries its marks; returns why not, or nothing.

    Raises GoogleError, InvalidInput, Conflict.
    """
    tree = takeover.order(finding.entity_type, finding.entity_id, folder_url=finding.folder_id)
    return finish(DriveFolderTree.objects.all(), tree.pk, provisioning.provision)


def ask_for_reading() -> list[DriveSyncState]:
    """Have every followed drive read anew; returns them."""
    DriveSyncState.objects.update(page_token=None, reading_token=None)
    return list(DriveSyncState.objects.all())


def _settle(finding: Finding, node: DriveFolderNode, *, take_back: bool) -> None:
    """Write down one folder's remedy, or that a person's name or place is accepted."""
    rows = DriveFolderNode.objects.filter(pk=node.pk, google_id=node.google_id)
    if finding.kind in ASKED:
        rows.update(remedy=ASKED[finding.kind])
    elif finding.kind == Kind.RENAMED:
        # A name we count as ours is written over by the tree's job.
        values = {"kept_name": "", "name": finding.now} if take_back else {"kept_name": finding.now}
        rows.update(**values)
    elif finding.kind == Kind.MOVED and take_back:
        rows.update(remedy=Remedy.MOVE_BACK)
    elif finding.kind == Kind.MOVED:
        rows.update(kept_parent_id=finding.now)
