"""What the mirror of calendars reacts to."""

from __future__ import annotations

from crm.signals import merge_undone, records_merged
from gcalendar import carried
from gcalendar.authoring import drop_creations
from pipedesk.core.signals import pruning

pruning.connect(drop_creations, dispatch_uid="gcalendar.drop_creations")
records_merged.connect(carried.carry, dispatch_uid="gcalendar.carry_links")
merge_undone.connect(carried.bring_back, dispatch_uid="gcalendar.bring_back_links")
