"""Jobs; each takes primary keys."""

from __future__ import annotations

from crm import announcements


def announce() -> int:
    """Tell the rooms above what database clients wrote."""
    return announcements.announce()
