"""``manage.py sandbox``."""

import socket

import pytest
from django.core.management import CommandError, call_command


def test_the_sandbox_refuses_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_ENV", "production")
    with pytest.raises(CommandError, match="production"):
        call_command("sandbox", port=0)


def test_a_taken_port_is_said_plainly() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(CommandError, match="cannot start on port"):
            call_command("sandbox", port=taken.getsockname()[1])
