"""What happens to followed drives, for whoever sits above."""

from __future__ import annotations

from django.dispatch import Signal

# Sent with drive=DriveSyncState when its row is new, inside the transaction. Two processes that
# meet the drive at the same moment may both send it.
drive_followed = Signal()
