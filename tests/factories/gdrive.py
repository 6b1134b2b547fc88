"""The smallest valid rows of the Drive mirror; traits name states."""

from __future__ import annotations

import factory
from django.utils import timezone

from gdrive.models import DriveChangeLog, DriveFile, DriveFolder, DriveFolderTree
from gdrive.parsing import FOLDER_MIME_TYPE


class DriveFileFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = DriveFile

    class Params:
        folder = factory.Trait(mime_type=FOLDER_MIME_TYPE, size=None)
        trashed = factory.Trait(
            trashed_at=factory.LazyFunction(timezone.now), explicitly_trashed=True
        )
        unavailable = factory.Trait(unavailable_at=factory.LazyFunction(timezone.now))

    file_id = factory.Sequence(lambda n: f"file-{n}")
    name = factory.Sequence(lambda n: f"file {n:04}.txt")
    mime_type = "text/plain"
    size = 10


class DriveFolderFactory(factory.django.DjangoModelFactory):
    """An entity's own folder, with its row in the mirror."""

    class Meta:
        model = DriveFolder
        skip_postgeneration_save = True

    entity_type = "lead"
    folder_id = factory.Sequence(lambda n: f"root-{n}")
    folder_url = factory.LazyAttribute(
        lambda folder: f"https://drive.google.com/drive/folders/{folder.folder_id}"
    )

    @factory.post_generation
    def in_mirror(self, create: bool, extracted: object, **_kwargs: object) -> None:
        DriveFileFactory(file_id=self.folder_id, name="Root", folder=True)
        DriveFolderTree.objects.update_or_create(
            entity_type=self.entity_type, entity_id=self.entity_id, defaults={"state": "ready"}
        )


class DriveChangeLogFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = DriveChangeLog

    event_type = "created"
    changed_resource_id = factory.Sequence(lambda n: f"file-{n}")
