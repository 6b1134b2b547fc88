"""Folders, files and changes in the API."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from gdrive.models import DriveChangeLog, DriveFile
from pipedesk.core.serializers import RecordSerializer


class ItemSerializer(serializers.ModelSerializer[DriveFile]):
    """A file or folder. `deleted`: in the trash, or deleted here."""

    id = serializers.CharField(source="file_id")
    mimeType = serializers.CharField(source="mime_type")  # noqa: N815  (Google's name)
    parents = serializers.SerializerMethodField()
    createdTime = serializers.DateTimeField(source="google_created_at")  # noqa: N815  (Google's name)
    modifiedTime = serializers.DateTimeField(source="google_modified_at")  # noqa: N815  (Google's name)
    webViewLink = serializers.CharField(source="web_view_link")  # noqa: N815  (Google's name)
    type = serializers.SerializerMethodField()
    deleted = serializers.SerializerMethodField()

    class Meta:
        model = DriveFile
        fields = (
            "id",
            "name",
            "mimeType",
            "parents",
            "size",
            "createdTime",
            "modifiedTime",
            "webViewLink",
            "type",
            "deleted",
        )

    def get_parents(self, row: DriveFile) -> list[str]:
        """The folder it lies in, as a list like Google's."""
        return [row.parent_folder_id] if row.parent_folder_id else []

    def get_type(self, row: DriveFile) -> str:
        """`folder` or `file`."""
        return "folder" if row.is_folder else "file"

    def get_deleted(self, row: DriveFile) -> bool:
        """Whether somebody deleted it, here or there."""
        return row.deleted_at is not None or row.trashed_at is not None


class CrumbSerializer(serializers.Serializer[Any]):
    """A folder on the way from the entity's folder."""

    id = serializers.CharField(source="file_id")
    name = serializers.CharField()


class FolderStateSerializer(serializers.Serializer[Any]):
    """How far the entity's folder is, and when its inside was last compared with Drive's."""

    state = serializers.ChoiceField(["none", "pending", "ready", "error"])
    url = serializers.CharField(allow_null=True)
    as_of = serializers.DateTimeField(allow_null=True)


class FoundFilesSerializer(serializers.Serializer[Any]):
    """A page of files of an entity."""

    files = ItemSerializer(many=True)
    total = serializers.IntegerField()
    page = serializers.IntegerField()
    page_size = serializers.IntegerField()
    total_pages = serializers.IntegerField()
    permission = serializers.ChoiceField(["owner", "writer", "reader"])


class ListingSerializer(FoundFilesSerializer):
    """A folder of an entity."""

    breadcrumbs = CrumbSerializer(many=True)
    folder = FolderStateSerializer()


class FileEntrySerializer(serializers.ModelSerializer[DriveFile]):
    """A file or folder, as the app's file picker knows it."""

    id = serializers.CharField(source="file_id")
    url = serializers.CharField(source="web_view_link", allow_null=True)
    createdAt = serializers.DateTimeField(source="google_created_at", allow_null=True)  # noqa: N815  (the app's name)
    mimeType = serializers.CharField(source="mime_type", allow_null=True)  # noqa: N815  (Google's name)
    type = serializers.SerializerMethodField()

    class Meta:
        model = DriveFile
        fields = ("id", "name", "url", "createdAt", "mimeType", "type", "size")

    def get_type(self, row: DriveFile) -> str:
        """`folder` or `file`."""
        return "folder" if row.is_folder else "file"


class FileEntriesSerializer(serializers.Serializer[Any]):
    """A folder of an entity, and where its own is in Drive."""

    items = FileEntrySerializer(many=True)
    total = serializers.IntegerField()
    root_url = serializers.CharField(allow_null=True)


class DownloadLinkSerializer(serializers.Serializer[Any]):
    """Where the content of a file is."""

    url = serializers.CharField()


class ProvisionSerializer(serializers.Serializer[Any]):
    """The job that grows a tree."""

    job_id = serializers.IntegerField(source="pk")
    state = serializers.ChoiceField(["pending", "ready", "error"], source="condition")


class RootFolderSerializer(serializers.Serializer[Any]):
    """An entity's own folder; `created` tells whether there is one."""

    url = serializers.CharField(allow_null=True)
    folder_id = serializers.CharField(allow_null=True)
    created = serializers.BooleanField()


class DriveChangeSerializer(RecordSerializer[DriveChangeLog]):
    """A change in Drive. Without a channel it was found by polling."""

    class Meta:
        model = DriveChangeLog
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "event_type",
            "changed_resource_id",
            "drive_id",
            "folder_id",
            "details",
            "channel_id",
            "resource_state",
            "received_at",
        )
        read_only_fields = fields
