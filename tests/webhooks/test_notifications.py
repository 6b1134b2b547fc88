"""Headers in, notification out; and nothing anybody sends is a server error."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest
from django.core.cache import cache
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.factories.webhooks import TOKEN, CalendarChannelFactory, message
from webhooks.notifications import MalformedNotification, parse, token_digest

META = {
    "HTTP_X_GOOG_CHANNEL_ID": "4ba78bf0-6a47-11e2-bcfd-0800200c9a66",
    "HTTP_X_GOOG_CHANNEL_TOKEN": "398348u3tu83ut8uu38",
    "HTTP_X_GOOG_CHANNEL_EXPIRATION": "Tue, 19 Nov 2013 01:13:52 GMT",
    "HTTP_X_GOOG_RESOURCE_ID": "ret08u3rv24htgh289g",
    "HTTP_X_GOOG_RESOURCE_URI": "https://www.googleapis.com/drive/v3/changes?alt=json",
    "HTTP_X_GOOG_RESOURCE_STATE": "changed",
    "HTTP_X_GOOG_MESSAGE_NUMBER": "10",
}


def test_googles_own_example_is_understood() -> None:
    notification = parse(META)

    assert notification.channel_id == "4ba78bf0-6a47-11e2-bcfd-0800200c9a66"
    assert (notification.number, notification.state) == (10, "changed")
    assert notification.token == "398348u3tu83ut8uu38"
    assert notification.headers["X-Goog-Channel-Token"] == "***"
    assert "398348u3tu83ut8uu38" not in str(notification.headers)
    assert not notification.is_handshake


def test_a_notification_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        parse(META).number = 11  # type: ignore[misc]


def test_changed_is_kept_with_and_without_the_blank() -> None:
    for changed in ("content,properties", "content, permissions"):
        headers = parse(META | {"HTTP_X_GOOG_CHANGED": changed}).headers
        assert headers["X-Goog-Changed"] == changed


@pytest.mark.parametrize("name", ["CHANNEL_ID", "RESOURCE_ID", "RESOURCE_STATE", "MESSAGE_NUMBER"])
def test_each_of_the_four_headers_is_needed(name: str) -> None:
    meta = {key: value for key, value in META.items() if key != f"HTTP_X_GOOG_{name}"}

    with pytest.raises(MalformedNotification):
        parse(meta)


def test_a_digest_is_64_hexadecimal_digits() -> None:
    assert len(token_digest("\ud800")) == len(token_digest("")) == 64


anything = st.text(max_size=80) | st.text(alphabet="0123456789٣-+_ \x00", max_size=25)
header_sets = st.fixed_dictionaries({}, optional=dict.fromkeys(META, anything))


@given(headers=header_sets)
def test_whatever_comes_is_a_notification_or_malformed(headers: dict[str, str]) -> None:
    try:
        notification = parse(headers)
    except MalformedNotification:
        return
    assert -(2**63) <= notification.number < 2**63
    assert all(value.isascii() and value.isprintable() for value in notification.headers.values())


@pytest.mark.django_db(transaction=True)
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(changes=header_sets, body=st.binary(max_size=200))
def test_no_header_is_a_server_error(changes: dict[str, str], body: bytes) -> None:
    cache.clear()
    channel = CalendarChannelFactory()
    valid = {
        f"HTTP_{name.upper().replace('-', '_')}": value for name, value in message(channel).items()
    }
    keep_id = {"HTTP_X_GOOG_CHANNEL_ID": channel.channel_id, "HTTP_X_GOOG_CHANNEL_TOKEN": TOKEN}

    for extra in (valid | changes, valid | changes | keep_id):
        answer = Client().post(
            "/webhooks/google-drive", body, content_type="application/octet-stream", **extra
        )
        assert answer.status_code in {200, 400, 404}
