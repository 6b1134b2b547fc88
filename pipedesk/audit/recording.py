"""Writes the history: who did what to which row, under which request."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from structlog.contextvars import get_contextvars

from pipedesk.audit.models import AuditLog


@dataclass(frozen=True)
class Act:
    """What goes on while rows are written. Without a user or request it is a job's doing."""

    request: HttpRequest | None = None
    user_id: str | None = None
    action: str | None = None


_act: ContextVar[Act] = ContextVar("act", default=Act())  # noqa: B039  (frozen)


def remember_request(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: what is written while a request is answered is its user's doing.

    The user is read when something is recorded: the API knows it only after the view's
    authentication.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        token = _act.set(Act(request=request))
        try:
            return get_response(request)
        finally:
            _act.reset(token)

    return middleware


@contextmanager
def acting(*, action: str | None = None, user_id: uuid.UUID | str | None = None) -> Iterator[None]:
    """Inside, entries carry this action and this user in place of what they would say."""
    act = replace(_act.get(), action=action or _act.get().action)
    token = _act.set(act if user_id is None else replace(act, user_id=str(user_id)))
    try:
        yield
    finally:
        _act.reset(token)


def current_user_id() -> str | None:
    """The id of the user who is acting, None for a job."""
    act = _act.get()
    if act.user_id is not None:
        return act.user_id
    user = getattr(act.request, "user", None)
    return str(user.pk) if user is not None and user.is_authenticated else None


def record(
    action: str,
    entity_type: str,
    entity_id: uuid.UUID | str,
    changes: Mapping[str, tuple[Any, Any]],
) -> AuditLog:
    """Add one entry, in the caller's transaction. `changes`: column -> (old, new)."""
    return AuditLog.objects.create(
        action=_act.get().action or action,
        entity_type=entity_type,
        entity_id=str(entity_id),
        user_id=current_user_id(),
        changes=[
            {"field": column, "old": _scalar(old), "new": _scalar(new)}
            for column, (old, new) in changes.items()
        ],
        request_id=get_contextvars().get("request_id"),
    )


def _scalar(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
