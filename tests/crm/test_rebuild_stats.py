"""The command that rebuilds the statistics, and the proof that they are right."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from crm import statistics
from crm.models import Interaction, Lead, LeadActivityStats
from tests.factories.crm import LeadFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def leads() -> list[Lead]:
    """Three leads with a call each, one of them deleted; nothing computed yet."""
    rows = [*LeadFactory.create_batch(2), LeadFactory(deleted=True)]
    for lead in rows:
        at = timezone.now() - timedelta(days=1)
        Interaction.objects.create(lead=lead, kind="call", occurred_at=at)
    LeadFactory()
    return rows


def rebuild(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("rebuild_stats", "--json", "--no-progress", *arguments, stdout=out)
    return dict(json.loads(out.getvalue()))


def test_it_writes_what_differs_and_nothing_the_second_time(leads: list[Lead]) -> None:
    assert rebuild() == {"ok": True, "leads": 4, "written": 3, "faults": []}
    stamps = list(LeadActivityStats.objects.values_list("updated_at", flat=True))
    assert rebuild()["written"] == 0
    assert stamps == list(LeadActivityStats.objects.values_list("updated_at", flat=True))
    assert rebuild("--check") == {"ok": True, "leads": 4, "differing": [], "faults": []}


def test_a_dry_run_counts_and_writes_nothing(leads: list[Lead]) -> None:
    assert rebuild("--dry-run")["written"] == 3
    assert not LeadActivityStats.objects.exists()


def test_the_check_names_the_leads_that_differ_and_ends_with_one(leads: list[Lead]) -> None:
    rebuild()
    LeadActivityStats.objects.filter(lead=leads[0]).update(total_emails=5)
    out, lines = StringIO(), StringIO()

    with pytest.raises(CommandError, match="1 of 4") as failure:
        call_command("rebuild_stats", "--check", "--json", "--no-progress", stdout=out)
    with pytest.raises(CommandError):
        call_command("rebuild_stats", "--check", "--no-progress", stdout=lines)

    assert failure.value.returncode == 1
    report = json.loads(out.getvalue())
    assert report["ok"] is False
    assert report["differing"] == [{"id": str(leads[0].pk), "columns": ["total_emails"]}]
    assert lines.getvalue().strip() == f"{leads[0].pk}: total_emails"
    assert LeadActivityStats.objects.get(lead=leads[0]).total_emails == 5
    rebuild()
    assert rebuild("--check")["ok"]


def test_an_interrupted_run_keeps_what_it_did_and_is_taken_up(
    leads: list[Lead], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "CHUNK", 1)
    genuine, calls = statistics.refresh, []

    def interrupted(lead_ids: Any) -> Any:
        calls.append(lead_ids)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return genuine(lead_ids)

    monkeypatch.setattr(statistics, "refresh", interrupted)
    with pytest.raises(CommandError) as failure:
        rebuild()
    assert failure.value.returncode == 3
    assert LeadActivityStats.objects.count() in (2, 3)

    monkeypatch.setattr(statistics, "refresh", genuine)
    rebuild()
    assert rebuild("--check")["leads"] == 4


def test_the_systems_own_checks_run_before_it(leads: list[Lead]) -> None:
    rebuild()
    out = StringIO()
    call_command("rebuild_stats", "--check", "--no-progress", skip_checks=False, stdout=out)
    assert "4 leads are right" in out.getvalue()
