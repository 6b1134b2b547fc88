"""Folders of entities, and files and folders as Drive shows them."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Case, Value, When
from django.utils.translation import gettext_lazy as _

from gdrive.ancestry import Edge, keys_below
from gdrive.parsing import FOLDER_MIME_TYPE
from pipedesk.core.models import (
    CreatedModel,
    SoftDeleteModel,
    SoftDeleteQuerySet,
    column_index,
)


class EntityType(models.TextChoices):
    """What can have a folder."""

    COMPANY = "company", _("Company")
    LEAD = "lead", _("Lead")
    DEAL = "deal", _("Deal")
    CONTACT = "contact", _("Contact")


class DriveFolderQuerySet(SoftDeleteQuerySet["DriveFolder"]):
    """Root folders of entities."""

    def of(self, entity_type: str, entity_id: object) -> Self:
        """The folders, live and deleted, of one entity."""
        return self.filter(entity_type=entity_type, entity_id=str(entity_id))


class DriveFolder(CreatedModel, SoftDeleteModel):
    """The root folder of an entity."""

    entity_id = models.CharField(_("entity id"), max_length=36)
    entity_type = models.CharField(_("entity type"), max_length=20, choices=EntityType.choices)
    folder_id = models.CharField(_("Google's id"), unique=True)
    folder_url = models.CharField(_("link"), null=True, blank=True)

    objects = DriveFolderQuerySet.as_manager()

    class Meta:
        db_table = "google_drive_folders"
        verbose_name = _("entity folder")
        verbose_name_plural = _("entity folders")
        ordering = ("id",)
        indexes = (
            column_index("google_drive_folders", "entity_id"),
            column_index("google_drive_folders", "entity_type"),
            column_index("google_drive_folders", "deleted_at"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["entity_type", "entity_id"],
                condition=models.Q(deleted_at__isnull=True),
                name="uq_google_drive_folders_entity",
                violation_error_message=_("This record has a folder already."),
            ),
            models.CheckConstraint(
                condition=models.Q(entity_type__in=EntityType.values),
                name="ck_google_drive_folders_entity_type",
            ),
        )

    def __str__(self) -> str:
        return f"{self.entity_type} {self.entity_id}"


class DriveFileQuerySet(SoftDeleteQuerySet["DriveFile"]):
    """Files and folders of the mirror."""

    def present(self) -> Self:
        """What Drive shows us outside the trash, and nobody deleted here."""
        return self.filter(
            deleted_at__isnull=True, trashed_at__isnull=True, unavailable_at__isnull=True
        )

    def in_reach(self) -> Self:
        """What is still there, deleted and trashed included."""
        return self.filter(unavailable_at__isnull=True)

    def inside(self, folder_id: str) -> Self:
        """What lies directly in this folder."""
        return self.filter(parent_folder_id=folder_id)

    def below(self, folder_id: str, edge: Edge) -> Self:
        """Everything below this folder, to any depth."""
        return self.filter(pk__in=keys_below(folder_id, edge))

    def folders_apart(self) -> Self:
        """With `is_file`, 0 or 1, by which lists put folders first."""
        kind = Case(When(mime_type=FOLDER_MIME_TYPE, then=Value(0)), default=Value(1))
        return self.annotate(is_file=kind)


class DriveFile(CreatedModel, SoftDeleteModel):
    """A file or folder below an entity's root, or above one, as Drive last showed it.

    `size` is in bytes; Google's own documents and folders have none. `trashed_at` and
    `unavailable_at` are Drive's doing; `deleted_at` is ours (a person deleted it here).
    `explicitly_trashed` tells what went to the trash itself from what lies in a folder there.
    `unavailable_at`: deleted for good, out of our sight, or outside the entities' folders, such
    as the folders above them. `read_in` and `listed_in` are marks of the last reading of the
    whole drive that showed the file, and that listed what lies in it.
    `deleted_with`: the folder that was deleted here and took this along, by Google's id.
    `echo_due`: we put this folder into the trash or took it out, and the feed did not say so yet.
    """

    file_id = models.CharField(_("Google's id"), unique=True)
    parent_folder_id = models.CharField(_("parent folder"), null=True, blank=True)
    name = models.CharField(_("name"))
    mime_type = models.CharField(_("type"), null=True, blank=True)
    size = models.BigIntegerField(_("size"), null=True, blank=True)
    drive_id = models.CharField(default="", db_default="", blank=True)
    web_view_link = models.CharField(_("link"), null=True, blank=True)
    # Where the browser gets the content; Google's own documents have none.
    web_content_link = models.CharField(null=True, blank=True, editable=False)
    google_created_at = models.DateTimeField(_("created in Drive"), null=True, blank=True)
    google_modified_at = models.DateTimeField(_("changed in Drive"), null=True, blank=True)
    version = models.BigIntegerField(null=True, blank=True)
    trashed_at = models.DateTimeField(_("trashed"), null=True, blank=True)
    explicitly_trashed = models.BooleanField(default=False, db_default=False, editable=False)
    unavailable_at = models.DateTimeField(_("out of reach"), null=True, blank=True)
    read_in = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    listed_in = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    deleted_with = models.CharField(default="", db_default="", blank=True, editable=False)
    echo_due = models.BooleanField(default=False, db_default=False, editable=False)

    objects = DriveFileQuerySet.as_manager()

    class Meta:
        db_table = "drive_files"
        verbose_name = _("file")
        verbose_name_plural = _("files")
        ordering = ("name", "id")
        indexes = (
            column_index("drive_files", "parent_folder_id"),
            column_index("drive_files", "deleted_at"),
            # A reading asks again and again which folders are still to be listed.
            models.Index(
                fields=["drive_id", "read_in", "listed_in"], name="idx_drive_files_reading"
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def is_folder(self) -> bool:
        """Whether this is a folder."""
        return self.mime_type == FOLDER_MIME_TYPE
