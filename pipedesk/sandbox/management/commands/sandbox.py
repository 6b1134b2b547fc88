"""Starts the local Google."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from pipedesk.sandbox.server import SandboxServer

DEFAULT_PORT = 8085


class Command(BaseCommand):
    """Binds to 127.0.0.1 only; never beside real credentials' production."""

    help = "Run the local stand-in for Google Calendar, Google Drive and their push messages."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        port = int(os.environ.get("SANDBOX_PORT") or DEFAULT_PORT)
        parser.add_argument("--port", type=int, default=port, help="0 lets the system choose")
        parser.add_argument("--data", type=Path, help="journal file that outlives a restart")
        parser.add_argument("--no-debug", action="store_true", help="do not check the answers")

    def handle(self, *args: Any, **options: Any) -> None:
        if os.environ.get("DJANGO_ENV") == "production":
            raise CommandError(_("The sandbox does not start with DJANGO_ENV=production."))
        try:
            server = SandboxServer(options["port"], options["data"], debug=not options["no_debug"])
        except OSError as error:
            raise CommandError(
                _("The sandbox cannot start on port %(port)d: %(error)s")
                % {"port": options["port"], "error": error}
            ) from error
        self.stdout.write(_("Google sandbox on %(url)s") % {"url": server.root_url})
        self.stdout.flush()
        try:
            server.serve()
        except KeyboardInterrupt:
            self.stdout.write("")
        finally:
            server.close()
