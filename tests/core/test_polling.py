"""When to look again although nobody called."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from pipedesk.core.polling import next_poll_at

ROOT = Path(__file__).resolve().parents[2]
ASK = "from django.conf import settings; print(settings.SYNC_POLL_INTERVAL_S)"


@pytest.mark.parametrize(
    ("given", "interval"), [("600", 600), ("61", 61), ("59", 60), ("1", 60), ("0", 60), ("-5", 60)]
)
def test_an_interval_under_a_minute_is_a_minute(given: str, interval: int) -> None:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "pipedesk.settings",
        "SYNC_POLL_INTERVAL_S": given,
    }
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert int(done.stdout) == interval


@pytest.mark.parametrize("period_s", [None, 3600.0])
def test_polls_are_a_quarter_earlier_or_later(period_s: float | None, settings: Settings) -> None:
    settings.SYNC_POLL_INTERVAL_S = 100
    now, period = timezone.now(), period_s or 100.0
    parts = [(next_poll_at(now, period_s) - now).total_seconds() / period for _ in range(400)]

    assert 0.75 <= min(parts) < 0.8
    assert 1.2 < max(parts) <= 1.25
