"""Grow folder trees now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from gdrive import entities, provisioning, takeover
from gdrive.models import DriveFolderTree, EntityType
from pipedesk.core.commands import ProductCommand, UsageError
from pipedesk.core.finishing import finish

Pair = tuple[str, str]


class Command(ProductCommand):
    """Works in this process, one tree after the other."""

    help = "Grows the folder trees of these records, or of all that have none, in Drive."
    example = "manage.py provision lead 6f1c8a52-3c1b-4a55-9d0e-0d7f0f3f3a11"
    writes = True

    def add_own_arguments(self, parser: CommandParser) -> None:
        """Which records."""
        parser.add_argument("entity", nargs="?", choices=EntityType.values)
        parser.add_argument("ids", nargs="*", metavar="ID")
        parser.add_argument(
            "--missing",
            action="store_true",
            help=_("every record (of this kind) that has no finished tree"),
        )
        parser.add_argument(
            "--adopt",
            action="store_true",
            help=_(
                "begin with the folder of the record's name that is there, if it is the only one"
            ),
        )

    def run(self, *args: Any, **options: Any) -> dict[str, Any]:
        """Grow one tree after the other; one that fails does not stop the rest."""
        pairs = self._chosen(options["entity"], options["ids"], missing=options["missing"])
        grown = 0
        for entity_type, entity_id in self.progress(pairs, label=_("trees"), unit=_("trees")):
            if self.dry_run:
                self.say(_("%(type)s %(id)s") % {"type": entity_type, "id": entity_id})
            elif self._grow(entity_type, entity_id, adopt=options["adopt"]):
                grown += 1
        self.say(
            _("%(grown)d of %(count)d folder trees grown") % {"grown": grown, "count": len(pairs)}
        )
        return {"asked": len(pairs), "grown": grown}

    def _chosen(self, entity: str | None, ids: list[str], *, missing: bool) -> list[Pair]:
        if missing == bool(ids) or (ids and not entity):
            raise UsageError(_("Name a kind of record and ids, or --missing."))
        if missing:
            return [pair for kind in _kinds(entity) for pair in _without_tree(kind)]
        for entity_id in ids:
            if not entities.exists(str(entity), entity_id):
                raise UsageError(
                    _("There is no %(type)s “%(id)s”.") % {"type": entity, "id": entity_id}
                )
        return [(str(entity), str(entities.as_uuid(entity_id))) for entity_id in ids]

    def _grow(self, entity_type: str, entity_id: str, *, adopt: bool) -> bool:
        trees = DriveFolderTree.objects
        if adopt:
            takeover.order(entity_type, entity_id, by_name=True)
        tree = trees.wanted(entity_type, entity_id)
        failure = finish(trees.all(), tree.pk, provisioning.provision)
        if failure:
            self.fault(f"{entity_type} {entity_id}: {failure}")
        elif adopt and (remark := trees.get(pk=tree.pk).remark):
            self.say(f"{entity_type} {entity_id}: {remark}")
        return not failure


def _kinds(entity: str | None) -> list[str]:
    """Companies first: leads and deals stand in their folders."""
    return [entity] if entity else ["company", "lead", "deal", "contact"]


def _without_tree(entity_type: str) -> list[Pair]:
    ready = DriveFolderTree.objects.filter(
        entity_type=entity_type, state=DriveFolderTree.State.READY
    )
    done = set(ready.values_list("entity_id", flat=True))
    return [(entity_type, pk) for pk in entities.all_ids(entity_type) if pk not in done]
