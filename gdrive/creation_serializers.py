"""Bodies that create folders and files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rest_framework import serializers

from gdrive.file_serializers import NameSerializer
from gdrive.models import EntityType
from pipedesk.core.serializers import StrictBody

MAX_NAME_LENGTH = 2000  # before it is made safe
PARENT = {"parentId": "parent_id", "parentFolderId": "parent_id"}
ENTITY = {"entityType": "entity_type", "entityId": "entity_id"}


class NewFolderSerializer(NameSerializer):
    """A folder; without `parent_id` in the entity's own."""

    aliases: ClassVar[Mapping[str, str]] = {**PARENT, "folderName": "name"}

    parent_id = serializers.CharField(max_length=128, required=False, allow_null=True)


class NewFileSerializer(StrictBody):
    """A file; without `parent_id` in the entity's own folder."""

    aliases: ClassVar[Mapping[str, str]] = PARENT

    file = serializers.FileField(max_length=MAX_NAME_LENGTH, allow_empty_file=True)
    parent_id = serializers.CharField(max_length=128, required=False, allow_blank=True)


class OfEntity(serializers.Serializer[object]):
    """Whose folder it is, where the address does not say."""

    entity_type = serializers.ChoiceField(EntityType.choices)
    entity_id = serializers.UUIDField()


class EntityFolderSerializer(NewFolderSerializer, OfEntity):
    """A folder of an entity that the body names."""

    aliases: ClassVar[Mapping[str, str]] = {**NewFolderSerializer.aliases, **ENTITY}


class EntityFileSerializer(NewFileSerializer, OfEntity):
    """A file of an entity that the body names."""

    aliases: ClassVar[Mapping[str, str]] = {**NewFileSerializer.aliases, **ENTITY}
