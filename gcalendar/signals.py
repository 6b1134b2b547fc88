"""What happens to the registry of calendars, for whoever sits above."""

from __future__ import annotations

from django.dispatch import Signal

# Sent with calendar=MirroredCalendar after it was put on the registry and its first sync queued,
# inside the transaction.
calendar_registered = Signal()

# Sent with calendar=MirroredCalendar inside the transaction that removes it, while it and its
# channels still exist. Who must call Google about them keeps what that takes and queues it.
calendar_removed = Signal()
