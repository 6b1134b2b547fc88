"""Five faults this product could have. What looks for faults must find each, or it is blind."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Greatest

from gcalendar import client, sync
from gcalendar.matching import Reach
from gcalendar.models import CalendarSyncState
from pipedesk.core.work import Lease
from pipedesk.google.errors import Gone


def token_first(plant: pytest.MonkeyPatch) -> None:
    """The cursor is stored when Google told it, before the events it covers."""
    fetch = sync._fetch

    def hasty(lease: Lease, calendar: Any, **options: Any) -> Any:
        fetched = fetch(lease, calendar, **options)
        if fetched.sync_token:
            rows = CalendarSyncState.objects.active().filter(mirrored_calendar=calendar)
            rows.update(sync_token=fetched.sync_token)
        return fetched

    plant.setattr(sync, "_fetch", hasty)


def no_transaction(plant: pytest.MonkeyPatch) -> None:
    """Events and cursor are written one after the other."""

    class Careless:
        @staticmethod
        def atomic(**_options: Any) -> AbstractContextManager[None]:
            return nullcontext()

    plant.setattr(sync, "transaction", Careless)


def refusal_ignored(plant: pytest.MonkeyPatch) -> None:
    """A 410 is taken for "nothing new"."""
    genuine = client.list_events

    def deaf(*args: Any, **options: Any) -> Any:
        try:
            return genuine(*args, **options)
        except Gone:
            return {"items": [], "nextSyncToken": options["sync_token"]}

    plant.setattr(client, "list_events", deaf)


def no_sweep(plant: pytest.MonkeyPatch) -> None:
    """A full list hides nothing that it lacks."""
    plant.setattr(sync, "sweep", lambda *_args: Reach())


def lost_wake_up(plant: pytest.MonkeyPatch) -> None:
    """A run counts as the answer to what was asked for while it ran."""

    def complete(lease: Lease, **values: Any) -> None:
        lease.write(
            applied=Greatest(F("applied"), F("requested")),
            attempts=0,
            next_attempt_at=None,
            last_error="",
            **values,
        )

    plant.setattr(Lease, "complete", complete)


PLANTED = (token_first, no_transaction, refusal_ignored, no_sweep, lost_wake_up)
