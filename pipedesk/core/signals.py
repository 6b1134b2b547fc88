"""Facts of the ground floor that higher rooms react to."""

from __future__ import annotations

from django.dispatch import Signal

# Time to drop what is only kept for a while. Arguments: `dry_run`. Receivers return a dict:
# what -> number of rows (to be) dropped.
pruning = Signal()
