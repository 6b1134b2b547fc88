"""Is this installation sound? One examination after the other, each with its remedy.

Nothing is written, here or at Google.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.core.checks import WARNING, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from gcalendar import client as calendar_client
from gdrive import client as drive_client
from gdrive.layout import root_folder_id
from pipedesk.core.exceptions import GiveUp
from pipedesk.core.health import faults
from pipedesk.google.credentials import SCOPES, account_info, is_google
from pipedesk.google.errors import Forbidden, GoogleError, NotFound, TemporaryError, Unauthorized

CALL_WITHIN_S: Final = 10
RECEIVER: Final = "/webhooks/google-calendar"
# Google's words for an API that the project of the key has not switched on.
SWITCHED_OFF: Final = frozenset({"accessNotConfigured", "SERVICE_DISABLED"})


@dataclass(frozen=True)
class Finding:
    """What one examination found. A `remedy` that is not empty makes it a fault."""

    name: str
    text: str
    remedy: str = ""


def examine() -> Iterator[Finding]:
    """Every examination in order. Google is only asked where the settings say how."""
    yield from _settings()
    yield from _inside()
    if (fault := _credentials()) is not None:
        yield fault
        return
    yield _ask("calendar", lambda: calendar_client.get_calendar("primary"))
    yield _ask("drive", drive_client.get_start_page_token)
    yield _drive_root()
    yield _webhooks()


def _settings() -> Iterator[Finding]:
    messages = run_checks(include_deployment_checks=settings.PRODUCTION)
    serious = [one for one in messages if one.level >= WARNING and not one.is_silenced()]
    for message in serious:
        remedy = message.hint or _("See .env.example, which explains each setting.")
        yield Finding("settings", f"{message.msg} ({message.id})", str(remedy))
    if not serious:
        yield Finding("settings", _("The settings fit together."))


def _inside() -> Iterator[Finding]:
    """Database, migrations and queue, as /readyz sees them."""
    remedies = {
        "database": _("See that the server of DATABASE_URL runs and lets this machine in."),
        "migrations": _("Run manage.py migrate."),
        "queue": _("Start the workers: manage.py run_worker."),
    }
    found = faults()
    for name, text in found.items():
        yield Finding(name, text, remedies[name])
    if not found:
        yield Finding("database", _("The database is up to date, and the workers work."))


def _credentials() -> Finding | None:
    """What is wrong with our key, or None."""
    root_url = settings.GOOGLE_API_ROOT_URL
    if not is_google(root_url):
        return None
    remedy = _("Set GOOGLE_SERVICE_ACCOUNT_JSON to the key of a service account, or its file.")
    try:
        account = account_info()
    except ImproperlyConfigured as failure:
        return Finding("credentials", str(failure), remedy)
    if account is None:
        return Finding("credentials", _("There is no key to ask Google with."), remedy)
    if not settings.GOOGLE_IMPERSONATE_EMAIL:
        text = _("Nobody is named in whose name Google is asked.")
        return Finding("credentials", text, _("Set GOOGLE_IMPERSONATE_EMAIL to a person's e-mail."))
    return None


def _ask(name: str, call: Callable[[], object]) -> Finding:
    """One harmless call: key, delegation, scope and network in one."""
    try:
        call()
    except (GoogleError, ImproperlyConfigured, ValueError) as failure:
        return Finding(name, str(failure) or type(failure).__name__, _remedy(failure))
    who = settings.GOOGLE_IMPERSONATE_EMAIL or _("nobody in particular")
    return Finding(name, _("Google answers, asked as %(who)s.") % {"who": who})


def _remedy(failure: Exception) -> str:
    if isinstance(failure, Unauthorized):
        return _(
            "In Google's admin console delegate these scopes to the client id of the service"
            " account, and see that GOOGLE_IMPERSONATE_EMAIL exists: %(scopes)s"
        ) % {"scopes": ", ".join(SCOPES)}
    if isinstance(failure, GoogleError) and failure.reason in SWITCHED_OFF:
        return _("Switch this API on in the Google Cloud project of the service account.")
    if isinstance(failure, (Forbidden, NotFound)):
        return _("Let GOOGLE_IMPERSONATE_EMAIL use this service: Google refuses it.")
    if isinstance(failure, TemporaryError):
        return _("See that this machine reaches %(url)s; then try again.") % {
            "url": settings.GOOGLE_API_ROOT_URL
        }
    return _("See GOOGLE_SERVICE_ACCOUNT_JSON: the key cannot be used.")


def _drive_root() -> Finding:
    remedy = _("Set DRIVE_ROOT_FOLDER_ID to a folder that GOOGLE_IMPERSONATE_EMAIL may edit.")
    try:
        folder = drive_client.get_file(root_folder_id())
    except (GiveUp, GoogleError) as failure:
        return Finding("drive root", str(failure), remedy)
    if not folder.is_folder or folder.trashed:
        text = _("“%(name)s” is no folder, or lies in the trash.")
        return Finding("drive root", text % {"name": folder.name}, remedy)
    return Finding("drive root", _("Folders grow in “%(name)s”.") % {"name": folder.name})


def _webhooks() -> Finding:
    if not settings.WEBHOOK_BASE_URL:
        text = _("WEBHOOK_BASE_URL is empty: no push, everything is polled.")
        return Finding("webhooks", text)
    url = settings.WEBHOOK_BASE_URL.rstrip("/") + RECEIVER
    seen = _answer_of(url)
    if seen == "405":  # only POST is for the receiver
        text = _("%(url)s answers; seen from here, Google's way to it may be another.")
        return Finding("webhooks", text % {"url": url})
    text = _("%(url)s is not our receiver: %(seen)s") % {"url": url, "seen": seen}
    remedy = _("See that web runs, and that WEBHOOK_BASE_URL leads to it with a valid certificate.")
    return Finding("webhooks", text, remedy)


def _answer_of(url: str) -> str:
    """The status of a GET, or why there was none."""
    try:
        # The address is our own setting, which a system check holds to http and https.
        with urllib.request.urlopen(url, timeout=CALL_WITHIN_S) as answer:  # noqa: S310
            return str(answer.status)
    except urllib.error.HTTPError as failure:
        return str(failure.code)
    except (OSError, ValueError) as failure:
        return type(getattr(failure, "reason", failure)).__name__
