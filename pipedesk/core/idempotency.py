"""`Idempotency-Key`: a POST that is sent again answers what it answered, and does nothing.

The key's row, the work and the stored answer are one transaction (where the work is not
Google's): either all of it happened or none. A second request with the key waits for the first
on the unique rule (SQLite: for the write lock), and then finds the answer. Failed requests
store nothing and may be repeated.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from pipedesk.core.exceptions import Conflict, InvalidInput
from pipedesk.core.models import StoredAnswer
from pipedesk.core.pruning import drop
from pipedesk.core.uploads import SpooledFile

KEEP = timedelta(hours=24)
AT_WORK = timedelta(minutes=5)  # longer than any request: whoever had the key has died
KEY = re.compile(r"[\x21-\x7e]{1,255}")
HEADERS = ("ETag", "Location", "Retry-After")


def key_of(request: Request) -> str | None:
    """The request's key, if it is a POST that has one. Raises ParseError for a bad one."""
    key = request.headers.get("Idempotency-Key")
    if key is None or request.method != "POST":
        return None
    if not KEY.fullmatch(key):
        raise ParseError(_("An Idempotency-Key is 1 to 255 printable ASCII characters."))
    return key


def once(handler: Callable[..., Response], key: str, *, calls_google: bool) -> Any:
    """The handler, doing its work once per user and key within 24 hours.

    It runs inside a transaction, unless it calls Google: then the key is taken first, and the
    answer stored afterwards. Raises InvalidInput when the key was used for another request,
    Conflict while the first one is still at work.
    """

    def in_one_transaction(request: Request, *args: Any, **kwargs: Any) -> Response:
        asked = fingerprint(request)  # reads the body, which may take its time
        with transaction.atomic():
            row, is_new = _claim(request, key, asked)
            if not is_new:
                return _replay(row, asked)
            response = handler(request, *args, **kwargs)
            _keep(row, response)
        return response

    def in_three_steps(request: Request, *args: Any, **kwargs: Any) -> Response:
        asked = fingerprint(request)
        with transaction.atomic():
            row, is_new = _claim(request, key, asked)
            if not is_new:
                return _replay(row, asked)
        try:
            response = handler(request, *args, **kwargs)
        except BaseException:
            row.delete()
            raise
        _keep(row, response)
        return response

    return in_three_steps if calls_google else in_one_transaction


def fingerprint(request: Request) -> str:
    """The hash of what is asked for: address, query string and body; files by their content."""
    parts = [request.path.rstrip("/"), request.META.get("QUERY_STRING", ""), request.data]
    text = json.dumps(parts, sort_keys=True, cls=_BodyEncoder)
    return hashlib.sha256(text.encode()).hexdigest()


class _BodyEncoder(JSONEncoder):
    """JSON of bodies that may hold files."""

    def default(self, obj: Any) -> Any:
        """A file's name, size and digest for the file."""
        if isinstance(obj, SpooledFile):
            return [obj.name, obj.size, obj.digest]
        return super().default(obj)


def _claim(request: Request, key: str, asked: str) -> tuple[StoredAnswer, bool]:
    """The row of this key, locked, and whether it was made just now."""
    user: Any = request.user  # a known one: the permission came first
    mine = StoredAnswer(user=user, key=key, fingerprint=asked)
    rows = StoredAnswer.objects.filter(user=user, key=key)
    now = timezone.now()
    over = Q(created_at__lt=now - KEEP) | Q(answer__isnull=True, created_at__lt=now - AT_WORK)
    rows.filter(over).delete()
    StoredAnswer.objects.bulk_create([mine], ignore_conflicts=True)
    row = rows.select_for_update(of=("self",), no_key=True).get()
    return row, row.pk == mine.pk


def _keep(row: StoredAnswer, response: Response) -> None:
    answer = {
        "status": response.status_code,
        "headers": {name: response[name] for name in HEADERS if name in response},
        "data": json.loads(JSONRenderer().render(response.data) or b"null"),
    }
    # Not a save: who was at work for longer than AT_WORK may have lost the row to a repeat.
    StoredAnswer.objects.filter(pk=row.pk).update(answer=answer)


def _replay(row: StoredAnswer, asked: str) -> Response:
    if row.fingerprint != asked:
        message = _("This Idempotency-Key was used for another request.")
        raise InvalidInput("Idempotency-Key", message, "key_reused")
    if row.answer is None:
        raise Conflict(_("The first request with this Idempotency-Key is still at work."))
    answer: dict[str, Any] = row.answer
    headers = {**answer["headers"], "Idempotency-Replayed": "true"}
    return Response(answer["data"], status=answer["status"], headers=headers)


def drop_answers(dry_run: bool, **kwargs: Any) -> dict[str, int]:
    """Receiver: answers nobody may ask for again."""
    old = StoredAnswer.objects.filter(created_at__lt=timezone.now() - KEEP).order_by()
    return {"stored answers": drop(old, dry_run=dry_run)}
