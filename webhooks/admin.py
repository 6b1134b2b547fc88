"""Push messages that were accepted."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from pipedesk.core.pages import ReadOnlyAdmin
from webhooks.models import Receipt


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
