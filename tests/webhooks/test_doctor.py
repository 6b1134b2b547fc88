"""manage.py doctor: what is sound, and the remedy for each fault."""

from __future__ import annotations

import json
import re
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from pipedesk.core import heartbeat
from pipedesk.core.models import Heartbeat
from pipedesk.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def sound(google: SandboxServer, settings: Settings) -> SandboxServer:
    """An installation without a fault."""
    settings.WEBHOOK_BASE_URL = ""
    heartbeat.record(heartbeat.QUEUE)
    return google


def doctor() -> list[dict[str, Any]]:
    """The faults it finds."""
    out = StringIO()
    code = 0
    try:
        call_command("doctor", "--json", stdout=out)
    except CommandError as failure:
        code = failure.returncode
    found = json.loads(out.getvalue())["findings"]
    faults = [finding for finding in found if finding["remedy"]]
    assert code == bool(faults)
    return faults


def named(faults: list[dict[str, Any]]) -> list[str]:
    return [fault["name"] for fault in faults]


def test_a_sound_installation_has_no_fault_and_nothing_is_written() -> None:
    with CaptureQueriesContext(connection) as statements:
        assert doctor() == []

    assert not [one for one in statements if re.search("INSERT|UPDATE|DELETE", one["sql"])]


def test_people_read_what_is_wrong_and_what_to_do() -> None:
    Heartbeat.objects.all().delete()
    out = StringIO()

    with pytest.raises(CommandError, match=r"1 fault\."):
        call_command("doctor", stdout=out)

    assert "✗ queue" in out.getvalue()
    assert "run_worker" in out.getvalue()
    assert "✓ drive root" in out.getvalue()


def test_faulty_settings_are_named(settings: Settings) -> None:
    settings.WEBHOOK_BASE_URL = "ftp://crm.example.com"

    faults = doctor()

    assert faults[0]["name"] == "settings"
    assert "WEBHOOK_BASE_URL" in faults[0]["text"]


@pytest.mark.parametrize(
    ("status", "reason", "remedy"),
    [
        (401, "authError", "delegate"),
        (403, "accessNotConfigured", "Switch this API on"),
        (403, "forbidden", "refuses"),
    ],
)
def test_what_google_refuses_has_a_remedy(
    sound: SandboxServer, status: int, reason: str, remedy: str
) -> None:
    fault = {"method": "calendars.get", "kind": "status", "status": status, "reason": reason}
    sound.google.faults.plan(fault | {"times": 9})

    (found,) = doctor()

    assert found["name"] == "calendar"
    assert remedy in found["remedy"]


def test_without_a_key_google_is_not_asked(settings: Settings) -> None:
    settings.GOOGLE_API_ROOT_URL = "https://www.googleapis.com/"
    settings.GOOGLE_SERVICE_ACCOUNT_JSON = ""

    (fault,) = doctor()

    assert fault["name"] == "credentials"
    assert "GOOGLE_SERVICE_ACCOUNT_JSON" in fault["remedy"]


def test_a_key_that_is_none_is_named_and_not_shown(settings: Settings) -> None:
    settings.GOOGLE_API_ROOT_URL = "https://www.googleapis.com/"
    settings.GOOGLE_SERVICE_ACCOUNT_JSON = '{"private_key": "secret"'

    (fault,) = doctor()

    assert fault["name"] == "credentials"
    assert "secret" not in str(fault)


def test_a_root_that_is_no_folder_is_a_fault(sound: SandboxServer, settings: Settings) -> None:
    settings.DRIVE_ROOT_FOLDER_ID = "nowhere"
    assert named(doctor()) == ["drive root"]

    settings.DRIVE_ROOT_FOLDER_ID = sound.drive.drop_file("root", "offer.pdf")
    assert named(doctor()) == ["drive root"]


def test_our_receiver_is_known_by_its_answer(settings: Settings, live_server: LiveServer) -> None:
    settings.WEBHOOK_BASE_URL = live_server.url
    assert doctor() == []


@pytest.mark.parametrize("path", ["", "healthz"])
def test_an_address_that_is_not_ours_is_a_fault(
    sound: SandboxServer, settings: Settings, path: str
) -> None:
    settings.WEBHOOK_BASE_URL = sound.root_url if path else "http://127.0.0.1:9"
    assert named(doctor()) == ["webhooks"]
