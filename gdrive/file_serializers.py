"""What is sent to change files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rest_framework import serializers

from gdrive.files import proper_name
from gdrive.placeholders import MAX_NAME_LENGTH
from pipedesk.core.serializers import StrictBody


class NameSerializer(StrictBody):
    """Another name."""

    aliases: ClassVar[Mapping[str, str]] = {"new_name": "name", "newName": "name"}

    name = serializers.CharField(max_length=MAX_NAME_LENGTH, trim_whitespace=False)

    def validate_name(self, value: str) -> str:
        """The name as it will be."""
        return proper_name(value)


class DestinationSerializer(StrictBody):
    """Another folder."""

    aliases: ClassVar[Mapping[str, str]] = {"destinationParentId": "destination_parent_id"}

    destination_parent_id = serializers.CharField(max_length=128)
