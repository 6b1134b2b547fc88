"""What the mirror of calendars reacts to."""

from __future__ import annotations

from gcalendar.authoring import drop_creations
from pipedesk.core.signals import pruning

pruning.connect(drop_creations, dispatch_uid="gcalendar.drop_creations")
