"""What a folder template would change in the folders records have, and how far that is done."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from gdrive.models.mirror import EntityType
from gdrive.models.template import DriveStructureTemplate
from gdrive.models.tree import DriveFolderTree
from pipedesk.core.models import Index, column_index
from pipedesk.core.work import Work, WorkQuerySet


class DriveTemplatePlanQuerySet(WorkQuerySet["DriveTemplatePlan"]):
    """Plans."""

    def fresh(self) -> Self:
        """Plans being applied whose template still says what it said when they were made."""
        return self.filter(
            state=DriveTemplatePlan.State.APPLYING,
            template__version=models.F("version"),
            template__active=True,
        )

    def cancel(self) -> int:
        """Stop what is not over; returns how many. A job at work notices before its next folder."""
        states = DriveTemplatePlan.State
        running = self.filter(state__in=[states.PLANNING, states.PLANNED, states.APPLYING])
        return running.update(state=states.CANCELLED, finished_at=Now())


class DriveTemplatePlan(Work):
    """The comparison of one template version with the trees of its kind of record.

    `entity_ids` None: every record with folders. `place` is the last tree that was compared.
    `totals` counts its items by action, and `unchanged` folders; `done`, `failed` and `skipped`
    count the items that applying it has dealt with. It stops at `max_failures` failures.
    """

    task: ClassVar[str] = "gdrive.tasks.work_on_plan"

    class State(models.TextChoices):
        PLANNING = "planning", _("Being planned")
        PLANNED = "planned", _("Planned")
        APPLYING = "applying", _("Being applied")
        DONE = "done", _("Done")
        STOPPED = "stopped", _("Stopped: too many failures")
        CANCELLED = "cancelled", _("Cancelled")

    template = models.ForeignKey(
        DriveStructureTemplate,
        verbose_name=_("template"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="plans",
        db_index=False,
    )
    template_name = models.CharField(_("template"), max_length=200)
    entity_type = models.CharField(_("entity type"), max_length=20, choices=EntityType.choices)
    version = models.PositiveIntegerField(_("version"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("made by"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    entity_ids: models.JSONField[Any, Any] = models.JSONField(null=True)
    state = models.CharField(
        _("state"),
        max_length=10,
        choices=State.choices,
        default=State.PLANNING,
        db_default=State.PLANNING,
    )
    is_repair = models.BooleanField(default=False, db_default=False)
    applies_at_once = models.BooleanField(default=False, db_default=False)
    place = models.BigIntegerField(default=0, db_default=0)
    records = models.PositiveIntegerField(_("records"), default=0, db_default=0)
    totals: models.JSONField[Any, Any] = models.JSONField(default=dict)
    done = models.PositiveIntegerField(_("done"), default=0, db_default=0)
    failed = models.PositiveIntegerField(_("failed"), default=0, db_default=0)
    skipped = models.PositiveIntegerField(_("skipped"), default=0, db_default=0)
    max_failures = models.PositiveIntegerField(default=20, db_default=20)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True, editable=False)

    objects = DriveTemplatePlanQuerySet.as_manager()

    class Meta:
        db_table = "drive_template_plans"
        verbose_name = _("template plan")
        verbose_name_plural = _("template plans")
        ordering = ("-id",)
        indexes = (
            column_index("drive_template_plans", "template_id"),
            column_index("drive_template_plans", "created_by_id"),
        )
        constraints = (
            models.CheckConstraint(
                condition=models.Q(applied__lte=models.F("requested")),
                name="ck_drive_template_plans_applied_le_requested",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    state__in=["planning", "planned", "applying", "done", "stopped", "cancelled"]
                ),
                name="ck_drive_template_plans_state",
            ),
        )

    def __str__(self) -> str:
        return f"{self.template_name} v{self.version}"

    @property
    def condition(self) -> str:
        """The state people are told; `error` when its job was given up (`last_error` says why)."""
        return "error" if self.dead_at else self.state

    @property
    def to_do(self) -> int:
        """How many items applying it deals with."""
        actions = DriveTemplatePlanItem.Action
        return sum(n for name, n in self.totals.items() if name not in {actions.SKIP, "unchanged"})


class DriveTemplatePlanItem(models.Model):
    """One folder of one record: what happens to it, or why nothing does.

    `path_key` is its place in the tree (see DriveFolderNode), `parent_key` that of the folder in
    which it is created or into which it moves. `from_text` and `to_text` are names: of the
    folder, or, for a move, of the folder it lies in. `google_id`: the folder of a person that is
    taken over, or the one that is gone and made anew. Keys follow each other as they are done.
    """

    class Action(models.TextChoices):
        CREATE = "create", _("Create")
        RENAME = "rename", _("Rename")
        MOVE = "move", _("Move")
        ADOPT = "adopt", _("Take over")
        LINK = "link", _("Note")
        SKIP = "skip", _("Leave")

    class Reason(models.TextChoices):
        NEW = "new", _("new in the template")
        CHANGED = "changed", _("changed in the template")
        SAME_NAME = "same_name", _("a folder of this name is there: it becomes the template's")
        SAME_PLACE = "same_place", _("nothing changes in Drive: its pattern is noted")
        GONE_REMADE = "remade", _("it was deleted in Drive")
        GONE = "gone", _("left: deleted in Drive or out of reach")
        TRASHED = "trashed", _("left: in the trash")
        RENAMED = "renamed_by_person", _("left: a person renamed it")
        MOVED = "moved_by_person", _("left: a person moved it")
        LEFT = "left", _("left: no longer in the template")
        PARENT = "parent_missing", _("left: the folder it belongs in is not there")
        WAITING = "waiting", _("left: the record's folders are still being made")
        RECORD = "record_gone", _("left: the record was deleted or merged")

    class State(models.TextChoices):
        PENDING = "pending", _("To do")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        SKIPPED = "skipped", _("Left as it is")

    plan = models.ForeignKey(
        DriveTemplatePlan, on_delete=models.CASCADE, related_name="items", db_index=False
    )
    tree = models.ForeignKey(
        DriveFolderTree, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    # Not a foreign key: a folder removed from the template since is noticed by its absence.
    template_node_id = models.PositiveIntegerField(null=True)
    path_key = models.CharField(max_length=100)
    parent_key = models.CharField(max_length=100, default="", db_default="")
    action = models.CharField(_("action"), max_length=10, choices=Action.choices)
    from_text = models.CharField(_("from"), default="", db_default="")
    to_text = models.CharField(_("to"), default="", db_default="")
    google_id = models.CharField(default="", db_default="")
    reason = models.CharField(
        _("reason"), max_length=20, choices=Reason.choices, default="", db_default=""
    )
    state = models.CharField(
        _("state"),
        max_length=10,
        choices=State.choices,
        default=State.PENDING,
        db_default=State.PENDING,
    )
    error = models.TextField(_("error"), default="", db_default="")

    class Meta:
        db_table = "drive_template_plan_items"
        verbose_name = _("planned change")
        verbose_name_plural = _("planned changes")
        ordering = ("id",)
        indexes = (
            # Pages of a plan's items.
            Index(fields=["plan_id", "id"], name="idx_drive_template_plan_items_page"),
            # The next one to do.
            Index(
                fields=["plan_id", "id"],
                condition=models.Q(state="pending"),
                name="idx_drive_template_plan_items_pending",
            ),
            column_index("drive_template_plan_items", "tree_id"),
        )

    def __str__(self) -> str:
        return f"{self.action} {self.from_text} {self.to_text}"
