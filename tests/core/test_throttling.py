"""How often somebody may call, counted once for all processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.cache import caches
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings
from rest_framework.exceptions import Throttled
from rest_framework.test import APIClient

from pipedesk.core import throttling
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db

Api = Callable[..., APIClient]
ROOT = Path(__file__).resolve().parents[2]
NOON = 1_800_000_000.0  # a window of a minute begins here


@pytest.fixture
def rates(settings: Settings, tmp_path: Path) -> Iterator[Settings]:
    """Three calls a minute for anybody, counted in files of this test; the clock stands."""
    settings.CACHES = {
        "default": {
            "BACKEND": "pipedesk.core.counters.FileCounters",
            "LOCATION": str(tmp_path / "cache"),
        }
    }
    settings.API_THROTTLE_USER = settings.API_THROTTLE_ANON = "3/min"
    with time_machine.travel(NOON + 12.5, tick=False):
        yield settings


def codes(client: APIClient, address: str = "/api/me", calls: int = 4, **extra: Any) -> list[int]:
    return [client.get(address, **extra).status_code for _ in range(calls)]


@pytest.mark.usefixtures("rates")
def test_above_the_rate_a_person_waits_until_the_window_ends(api: Api) -> None:
    client = api("sales")
    assert codes(client, calls=3) == [200] * 3

    answer = client.get("/api/me")

    assert answer.status_code == 429
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "too_many_requests"
    assert answer["Retry-After"] == "48"
    with time_machine.travel(NOON + 60, tick=False):
        assert client.get("/api/me").status_code == 200


@pytest.mark.usefixtures("rates")
def test_each_person_has_a_limit_of_their_own_whatever_is_called(api: Api) -> None:
    ana, bia = api("sales"), api("")
    assert [ana.get(a).status_code for a in ("/api/me", "/api/leads", "/api/tags")] == [200] * 3

    assert ana.get("/api/users").status_code == 429
    # Refusals count too.
    assert codes(bia, "/api/leads") == [403, 403, 403, 429]


@pytest.mark.usefixtures("rates")
@pytest.mark.parametrize("address", ["/api/me", "/api/schema/"])
def test_strangers_are_counted_by_address(address: str) -> None:
    refused = 401 if address == "/api/me" else 200
    assert codes(APIClient(), address) == [refused] * 3 + [429]
    assert codes(APIClient(), address, 1, REMOTE_ADDR="10.0.0.2") == [refused]


@pytest.mark.usefixtures("rates")
def test_bad_tokens_count_as_their_address_and_take_nothing_from_good_ones(api: Api) -> None:
    guesser = APIClient()
    found = []
    for guess in range(5):
        guesser.credentials(HTTP_AUTHORIZATION=f"Bearer guess{guess}")
        found.append(guesser.get("/api/me").status_code)
    assert found == [401, 401, 401, 429, 429]

    assert codes(api("sales"), calls=3) == [200] * 3


@pytest.mark.usefixtures("rates")
def test_a_locked_account_is_a_stranger(api: Api) -> None:
    assert codes(api(user=UserFactory(locked=True))) == [401, 401, 401, 429]


def test_without_proxies_a_forged_header_changes_nothing(rates: Settings) -> None:
    client = APIClient()
    found = [
        client.get("/api/me", HTTP_X_FORWARDED_FOR=f"203.0.113.{n}").status_code for n in range(4)
    ]
    assert found == [401, 401, 401, 429]


def test_behind_a_proxy_only_its_own_entry_counts(rates: Settings) -> None:
    rates.TRUSTED_PROXIES = 1
    client = APIClient()

    def call(forwarded: str) -> int:
        return client.get("/api/me", HTTP_X_FORWARDED_FOR=forwarded).status_code

    assert [call(f"203.0.113.{n}, 198.51.100.7") for n in range(4)] == [401, 401, 401, 429]
    assert call("203.0.113.9, 198.51.100.8") == 401


@pytest.mark.usefixtures("rates")
def test_health_push_and_preflight_are_not_counted() -> None:
    client = APIClient()
    for _ in range(5):
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code in (200, 503)
        assert client.post("/webhooks/google-calendar").status_code == 400
        preflight = client.options(
            "/api/leads",
            HTTP_ORIGIN="http://localhost:3000",
            HTTP_ACCESS_CONTROL_REQUEST_METHOD="GET",
        )
        assert preflight.status_code == 200


@pytest.mark.parametrize(
    "backend",
    [
        {"BACKEND": "pipedesk.core.counters.FileCounters", "LOCATION": "/proc/nowhere"},
        {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:9/0",
            "OPTIONS": {"socket_connect_timeout": 1},
        },
    ],
    ids=["files", "redis"],
)
def test_without_counters_nobody_is_served_and_nothing_shows_why(
    api: Api, settings: Settings, backend: dict[str, Any]
) -> None:
    client = api("admin")
    settings.CACHES = {"default": backend}

    for one in (client, APIClient()):
        answer = one.get("/api/leads")
        assert answer.status_code == 503
        assert answer["Content-Type"] == "application/problem+json"
        assert answer["Retry-After"] == "5"
        assert answer.json()["code"] == "unavailable"
        assert "proc" not in answer.content.decode()
        assert "127.0.0.1" not in answer.content.decode()


def test_counting_asks_the_database_nothing(api: Api, rates: Settings) -> None:
    client = api("sales")
    with CaptureQueriesContext(connection) as captured:
        assert client.get("/api/me").status_code == 200
    assert not [query for query in captured if "cache" in query["sql"]]


@pytest.mark.parametrize(
    ("rate", "read"),
    [("1200/min", (1200, 60)), ("5/s", (5, 1)), ("9/hour", (9, 3600)), ("1/day", (1, 86_400))],
)
def test_rates_are_read(rate: str, read: tuple[int, int]) -> None:
    assert throttling.read_rate(rate) == read


@pytest.mark.parametrize("rate", ["", "60", "0/min", "-1/min", "1.5/min", "60/year", "60/min\n"])
def test_what_is_no_rate_says_so(rate: str) -> None:
    with pytest.raises(ValueError, match="60/min"):
        throttling.read_rate(rate)


@pytest.mark.usefixtures("rates")
def test_threads_are_counted_exactly() -> None:
    def call(_number: int) -> bool:
        try:
            throttling.count("user", "ana", "100/day")
        except Throttled:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(call, range(150))) == 100


CALLER = """
import json, sys, django
django.setup()
from rest_framework.exceptions import Throttled
from pipedesk.core.throttling import count
print("ready", flush=True)
sys.stdin.readline()
good = 0
for _ in range(200):
    try:
        count("user", "ana", "250/day")
        good += 1
    except Throttled:
        pass
print(json.dumps(good), flush=True)
"""


def test_two_processes_share_one_limit(tmp_path: Path) -> None:
    """Each makes 200 calls at the same time; 250 are good."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "pipedesk.settings",
        "CACHE_URL": f"file://{tmp_path}/cache",
    }
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", CALLER],
            cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for _ in range(2)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    good = [json.loads(process.communicate(timeout=60)[0]) for process in processes]

    assert sum(good) == 250
    assert [process.returncode for process in processes] == [0, 0]


def test_expired_counters_are_swept_away_and_live_ones_never(
    rates: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = caches["default"]
    folder = Path(rates.CACHES["default"]["LOCATION"])
    for number in range(400):  # more than Django's file cache keeps
        store.add(f"gone-{number}", 1, 10)
    store.add("kept", 7, 1000)
    store.add("forever", 1, None)

    with time_machine.travel(NOON + 12.5 + 61, tick=False):
        monkeypatch.setattr("pipedesk.core.counters.FileCounters._swept_at", 0.0)
        assert store.add("new", 0, 10)
        assert store.incr("kept") == 8

    assert len(list(folder.glob("*.count"))) == 3
    with time_machine.travel(NOON + 12.5 + 999, tick=False):
        assert store.incr("kept") == 9
    with time_machine.travel(NOON + 12.5 + 1001, tick=False), pytest.raises(ValueError, match="no"):
        store.incr("kept")
    assert store.incr("forever") == 2


def test_a_torn_counter_begins_anew(rates: Settings) -> None:
    throttling.count("user", "ana", "2/day")
    [file] = Path(rates.CACHES["default"]["LOCATION"]).glob("*.count")

    for content in (b"", b"torn"):
        file.write_bytes(content)
        throttling.count("user", "ana", "2/day")


def test_counters_in_files_do_what_a_cache_does(rates: Settings) -> None:
    store = caches["default"]

    assert store.get("calls") is None
    assert store.add("calls", 5, 60)
    assert not store.add("calls", 9, 60)
    assert store.get("calls") == 5
    store.set("calls", 7)
    assert store.incr("calls", 3) == 10
    assert store.delete("calls")
    assert not store.delete("calls")
    store.set("a", 1)
    store.clear()
    assert store.get("a") is None
