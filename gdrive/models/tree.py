"""Folder trees of entities: the journal that makes them grow exactly once."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gdrive.models.mirror import EntityType
from gdrive.models.template import DriveStructureNode, DriveStructureTemplate
from pipedesk.core.models import TimeStampedModel, TimeStampedQuerySet, column_index
from pipedesk.core.work import Work, WorkQuerySet


class DriveFolderTreeQuerySet(WorkQuerySet["DriveFolderTree"]):
    """Folder trees."""

    def of(self, entity_type: str, entity_id: object) -> Self:
        """The tree of one entity."""
        return self.filter(entity_type=entity_type, entity_id=str(entity_id))

    def wanted(self, entity_type: str, entity_id: object) -> DriveFolderTree:
        """The row of the entity's tree, made where it is missing; asks no worker yet."""
        row = self.model(entity_type=entity_type, entity_id=str(entity_id))
        self.bulk_create([row], ignore_conflicts=True)
        return self.of(entity_type, entity_id).get()

    def ask(self, tree: DriveFolderTree) -> None:
        """Ask for a tree that is not there yet; one that was given up starts afresh."""
        if tree.dead_at is not None:
            self.filter(pk=tree.pk).revive()
        elif tree.state != DriveFolderTree.State.READY and tree.requested == tree.applied:
            self.request(tree.pk)


class DriveFolderTree(Work):
    """The folder tree of one entity, and how far it has grown.

    Shared places that belong to no entity (`Leads`, `Companies` below the root) are nodes
    without a tree. `adopt_folder_id` and `adopt_by_name` say which existing folder is to become
    the entity's own instead of a new one (gdrive.adoption); `remark` is what a person should
    look at although nothing failed.
    """

    task: ClassVar[str] = "gdrive.tasks.provision_tree"

    class State(models.TextChoices):
        PENDING = "pending", _("Pending")
        READY = "ready", _("Ready")

    entity_type = models.CharField(_("entity type"), max_length=20, choices=EntityType.choices)
    entity_id = models.CharField(_("entity id"), max_length=36)
    template = models.ForeignKey(
        DriveStructureTemplate,
        verbose_name=_("template"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    template_version = models.PositiveIntegerField(null=True, blank=True)
    adopt_folder_id = models.CharField(default="", db_default="", blank=True, editable=False)
    adopt_by_name = models.BooleanField(default=False, db_default=False, editable=False)
    remark = models.TextField(_("remark"), default="", db_default="", blank=True, editable=False)
    state = models.CharField(
        _("state"),
        max_length=10,
        choices=State.choices,
        default=State.PENDING,
        db_default=State.PENDING,
    )

    objects = DriveFolderTreeQuerySet.as_manager()

    class Meta:
        db_table = "drive_folder_trees"
        verbose_name = _("folder tree")
        verbose_name_plural = _("folder trees")
        ordering = ("id",)
        indexes = (column_index("drive_folder_trees", "template_id"),)
        constraints = (
            models.UniqueConstraint(
                fields=["entity_type", "entity_id"], name="uq_drive_folder_trees_entity"
            ),
            models.CheckConstraint(
                condition=models.Q(applied__lte=models.F("requested")),
                name="ck_drive_folder_trees_applied_le_requested",
            ),
        )

    def __str__(self) -> str:
        return f"{self.entity_type} {self.entity_id}"

    @property
    def condition(self) -> str:
        """What people are told: `pending`, `ready`, or `error` once it was given up."""
        return "error" if self.dead_at else self.state


class DriveFolderNodeQuerySet(TimeStampedQuerySet["DriveFolderNode"]):
    """Folders we make."""

    def to_create(self) -> Self:
        """Reserved ones, parents first."""
        return self.filter(state=DriveFolderNode.State.RESERVED).order_by("pk")

    def created(self) -> Self:
        """Folders that exist."""
        return self.filter(state=DriveFolderNode.State.CREATED)

    def shared(self) -> Self:
        """Folders below the root that belong to no entity and hold many."""
        return self.filter(tree__isnull=True)


class DriveFolderNode(TimeStampedModel):
    """One folder we make: its Google id is reserved and committed before Google is asked.

    `path_key` names the place, once per tree: `root` is the entity's own folder,
    `template:<node id>` a template's, `place:lead` and `place:deal` where a company keeps its
    leads and deals; without a tree it is a place below the product's root. `name` is the name
    as we last wrote it to Drive, so that a rename by a person is noticed; `writing_name` is
    the one we are about to write. `pattern` is what the name was rendered from: a rename
    renders it again and does not look at the template, which may have been edited.

    `adopted`: the folder was there before us under its own id. `kept_name` and `kept_parent_id`
    are a name and a place a person gave and we accepted: no record moves them any more.
    `remedy` is what somebody asked to be done about the folder in Drive (gdrive.remedies).
    """

    class State(models.TextChoices):
        RESERVED = "reserved", _("Reserved")
        CREATED = "created", _("Created")

    class Remedy(models.TextChoices):
        RESTORE = "restore", _("Take out of the trash")
        RECREATE = "recreate", _("Make anew")
        MOVE_BACK = "move_back", _("Move back")

    tree = models.ForeignKey(
        DriveFolderTree,
        verbose_name=_("tree"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="nodes",
        db_index=False,
    )
    template_node = models.ForeignKey(
        DriveStructureNode,
        verbose_name=_("template folder"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    parent = models.ForeignKey(
        "self",
        verbose_name=_("inside"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="children",
        db_index=False,
    )
    path_key = models.CharField(max_length=100)
    google_id = models.CharField(_("Google's id"), unique=True)
    name = models.CharField(_("name as last written"))
    writing_name = models.CharField(default="", db_default="", blank=True, editable=False)
    pattern = models.CharField(_("pattern"), default="", db_default="", blank=True)
    adopted = models.BooleanField(_("adopted"), default=False, db_default=False)
    kept_name = models.CharField(
        _("name kept"), default="", db_default="", blank=True, editable=False
    )
    kept_parent_id = models.CharField(default="", db_default="", blank=True, editable=False)
    remedy = models.CharField(
        _("asked for"),
        max_length=10,
        choices=Remedy.choices,
        default="",
        db_default="",
        blank=True,
        editable=False,
    )
    state = models.CharField(
        _("state"),
        max_length=10,
        choices=State.choices,
        default=State.RESERVED,
        db_default=State.RESERVED,
    )

    objects = DriveFolderNodeQuerySet.as_manager()

    class Meta:
        db_table = "drive_folder_nodes"
        verbose_name = _("folder of a tree")
        verbose_name_plural = _("folders of a tree")
        ordering = ("id",)
        indexes = (
            column_index("drive_folder_nodes", "tree_id"),
            column_index("drive_folder_nodes", "template_node_id"),
            column_index("drive_folder_nodes", "parent_id"),
        )
        constraints = (
            # One folder per place: two workers cannot both reserve it.
            models.UniqueConstraint(
                fields=["tree", "path_key"],
                condition=models.Q(tree__isnull=False),
                name="uq_drive_folder_nodes_place",
            ),
            models.UniqueConstraint(
                fields=["path_key"],
                condition=models.Q(tree__isnull=True),
                name="uq_drive_folder_nodes_shared_place",
            ),
        )

    def __str__(self) -> str:
        return self.name


class ReservedIdQuerySet(models.QuerySet["ReservedId"]):
    """Ids from `files.generateIds` that no folder uses yet."""

    def take(self, count: int) -> list[str]:
        """Take ids out of the store, inside the transaction that uses them.

        Two takers never get the same id; a rollback puts them back. Fewer than `count` when
        the store runs dry.
        """
        rows = self.select_for_update(skip_locked=True).order_by("google_id")[:count]
        ids = [row.google_id for row in rows]
        self.filter(google_id__in=ids).delete()
        return ids


class ReservedId(models.Model):
    """A Drive file id Google reserved for us and nothing uses yet; asked for by the thousand."""

    google_id = models.CharField(primary_key=True, max_length=128)
    reserved_at = models.DateTimeField(default=timezone.now)

    objects = ReservedIdQuerySet.as_manager()

    class Meta:
        db_table = "drive_reserved_ids"
        verbose_name = _("reserved id")
        verbose_name_plural = _("reserved ids")
        ordering = ("google_id",)

    def __str__(self) -> str:
        return self.google_id
