"""What the admin shows of a push channel, whatever it watches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.formats import localize
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from pipedesk.core.dashboard import ago, ahead
from pipedesk.core.pages import NOTHING, Labelled
from pipedesk.google.channels import ChannelState

if TYPE_CHECKING:
    from datetime import datetime

    from django.utils.safestring import SafeString

# When `renew_at` is still to come to pass.
AWAITED = {ChannelState.OPEN, ChannelState.FAILED}


def exact(moment: datetime | None, words: str) -> SafeString | str:
    """The words, with the moment itself for whoever points at them."""
    if moment is None:
        return NOTHING
    return format_html('<span title="{}">{}</span>', localize(localtime(moment)), words)


class ChannelColumns:
    """Columns of the lists of channels, in a person's words."""

    @display(
        description=_("state"),
        ordering="state",
        label={
            "open": "success",
            "pending": "info",
            "failed": "danger",
            "expired": "warning",
            "stopped": "warning",
            "polled": "info",
        },
    )
    def shown_state(self, obj: Any) -> Labelled:
        """Where the channel is in its life; a row without one keeps a cursor for polling."""
        if not obj.channel_id:
            return Labelled("polled", _("Polling"))
        return Labelled(obj.state, obj.get_state_display())

    @display(description=_("opened"), ordering="opened_at")
    def shown_age(self, obj: Any) -> str:
        """How old it is."""
        return exact(obj.opened_at, ago(obj.opened_at))

    @display(description=_("last message"), ordering="last_message_at")
    def shown_last_message(self, obj: Any) -> str:
        """How long ago Google said something."""
        return exact(obj.last_message_at, ago(obj.last_message_at))

    @display(description=_("next renewal"), ordering="renew_at")
    def shown_renewal(self, obj: Any) -> str:
        """In how long it is replaced, or Google asked again; nothing for what is over."""
        if obj.state not in AWAITED:
            return NOTHING
        return exact(obj.renew_at, ahead(obj.renew_at))
