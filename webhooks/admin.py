"""Push messages that were accepted, and channels Google is to be told to stop."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from pipedesk.core.pages import ReadOnlyAdmin, WorkAdmin, WorkFilter
from webhooks.models import ChannelStop, Receipt


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin):
    """Receipts. Their headers, masked as they are, stay out of sight."""

    list_display = ("received_at", "channel_id", "message_number", "resource_state")
    list_filter = ("resource_state",)
    search_fields = ("channel_id", "resource_id")
    date_hierarchy = "received_at"
    fields: ClassVar[tuple[str, ...]] = (
        "received_at",
        "channel_id",
        "message_number",
        "resource_id",
        "resource_state",
    )


@admin.register(ChannelStop)
class ChannelStopAdmin(WorkAdmin):
    """Stops under way; a channel that could not be stopped dies by itself when it expires."""

    list_display = ("channel_id", "kind", "work_state", "last_error", "created_at")
    list_filter = (WorkFilter, "kind")
    search_fields = ("channel_id", "resource_id")
    fields: ClassVar[tuple[str, ...]] = (
        "channel_id",
        "kind",
        "resource_id",
        "subject",
        "created_at",
        *WorkAdmin.work_fields,
    )
