"""The only place of HTTP errors: everything that goes wrong becomes one shape.

RFC 9457 `application/problem+json` (type, title, status, detail) with what older clients read
beside it: `error` = `message` = the text for people, `code`, and `details`, a list of
`{field, code, message}`. The text of an exception never leaves unless it was written for people.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping
from datetime import date
from http import HTTPStatus
from typing import Any

from django.apps import apps
from django.core import exceptions as django_errors
from django.core import signals
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, OperationalError
from django.db.models import BaseConstraint, CheckConstraint, ProtectedError, RestrictedError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views import defaults
from drf_standardized_errors.formatter import flatten_errors
from rest_framework import exceptions as drf_errors
from rest_framework.utils.encoders import JSONEncoder

from pipedesk.core.exceptions import Conflict, GiveUp, InvalidInput, TryLater

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER_S = 30  # where the other side named no time
CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    409: "conflict",
    412: "precondition_failed",
    413: "payload_too_large",
    415: "unsupported_media_type",
    422: "validation_error",
    429: "too_many_requests",
    500: "internal_error",
    503: "unavailable",
}
# Answers of these addresses are read by programs, whatever went wrong.
MACHINE_PATHS = ("/api/", "/webhooks/", "/healthz", "/readyz")


class BadQuery(drf_errors.APIException):
    """A fault of the query string, naming the parameter and the nearest valid word."""

    status_code = HTTPStatus.BAD_REQUEST
    default_code = "bad_request"

    def __init__(self, parameter: str, message: str, nearest: str | None = None) -> None:
        if nearest is not None:
            message = _("%(message)s Did you mean “%(nearest)s”?") % {
                "message": message,
                "nearest": nearest,
            }
        super().__init__(message)
        self.details = [{"field": parameter, "code": "invalid_parameter", "message": message}]


class PreconditionFailed(drf_errors.APIException):
    """The row is no longer what the caller saw; `fields` are those that differ."""

    status_code = HTTPStatus.PRECONDITION_FAILED
    default_code = "precondition_failed"

    def __init__(self, fields: Iterable[str]) -> None:
        super().__init__(_("Somebody else changed this meanwhile."))
        self.details = [
            {"field": field, "code": "changed", "message": _("Changed meanwhile.")}
            for field in fields
        ]


def problem(
    status: int,
    message: str,
    *,
    code: str | None = None,
    details: Iterable[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
    **extensions: Any,
) -> HttpResponse:
    """An error answer. `extensions` become further members of the document."""
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": message,
        "error": message,
        "code": code or CODES.get(status, "error"),
        "message": message,
        "details": list(details),
        **extensions,
    }
    return JsonResponse(
        document, status=status, content_type=CONTENT_TYPE, headers=headers, encoder=JSONEncoder
    )


def exception_handler(failure: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """Answer for whatever a view raised (Django REST framework's hook)."""
    answer = _of_rules(failure) or _of_framework(failure) or _of_database(failure, context)
    if answer is None:
        answer = problem(500, _("Something went wrong on our side."))
    if answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR:
        # Whoever reports failures (log, Sentry, test client) listens to this signal.
        request = getattr(context.get("request"), "_request", None)
        signals.got_request_exception.send(sender=None, request=request)
    return answer


def _of_rules(failure: Exception) -> HttpResponse | None:
    """Answers for the product's own rules."""
    match failure:
        case Conflict():
            details = [
                {"field": name, "code": "conflict", "message": _plain(value)}
                for name, value in failure.details.items()
            ]
            return problem(409, failure.message, details=details)
        case InvalidInput():
            detail = {"field": failure.field, "code": failure.code, "message": failure.message}
            return problem(422, failure.message, details=[detail])
        case TryLater() | GiveUp():
            wait_s = math.ceil(getattr(failure, "retry_after_s", None) or RETRY_AFTER_S)
            return problem(
                503,
                _("Google cannot be reached right now; look again, and try again later."),
                code="google_unavailable",
                headers={"Retry-After": str(wait_s)},
            )
    return None


def _plain(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, date) else str(value)


def _of_framework(failure: Exception) -> HttpResponse | None:
    """Answers for what Django and its REST framework raise."""
    match failure:
        case drf_errors.ValidationError():
            return _invalid(failure)
        case drf_errors.APIException():
            return _answer(failure)
        case Http404() | django_errors.ObjectDoesNotExist():
            return problem(404, _("There is nothing here."))
        case django_errors.RequestDataTooBig():
            return problem(413, _("The body is too large."))
        case django_errors.PermissionDenied():
            return problem(403, _("You may not do this."))
        case django_errors.SuspiciousOperation() | django_errors.BadRequest():
            return problem(400, _("The request is malformed."))
        case django_errors.ValidationError():
            detail = drf_errors.ValidationError(
                failure.message_dict if hasattr(failure, "error_dict") else failure.messages
            )
            return _invalid(detail)
    return None


def _answer(failure: drf_errors.APIException) -> HttpResponse:
    headers = {}
    if header := getattr(failure, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if wait_s := getattr(failure, "wait", None):
        headers["Retry-After"] = str(math.ceil(wait_s))
    return problem(
        failure.status_code,
        str(failure.detail),
        details=getattr(failure, "details", ()),
        headers=headers,
    )


def _invalid(failure: drf_errors.ValidationError) -> HttpResponse:
    details = [
        {"field": fault.attr or "", "code": fault.code, "message": fault.detail}
        for fault in flatten_errors(failure.detail)
    ]
    return problem(422, _("Some values break a rule; see the details."), details=details)


def _of_database(failure: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """Answers for what only the database can know."""
    match failure:
        case ProtectedError():
            return _in_use(failure.protected_objects)
        case RestrictedError():
            return _in_use(failure.restricted_objects)
        case IntegrityError():
            return _broken_constraint(failure)
        case DataError() | OverflowError():
            reading = getattr(context.get("request"), "method", "") in ("GET", "HEAD")
            return problem(400 if reading else 422, _("A value is out of range."))
        case OperationalError() | InterfaceError():
            logger.error("database unavailable: %s", type(failure).__name__)
            headers = {"Retry-After": str(RETRY_AFTER_S)}
            return problem(503, _("The database cannot be reached right now."), headers=headers)
    return None


def _in_use(users: Iterable[Any]) -> HttpResponse:
    counts: dict[str, int] = {}
    for row in users:
        name = str(row._meta.verbose_name_plural)  # noqa: SLF001  (documented by Django)
        counts[name] = counts.get(name, 0) + 1
    details = [
        {"field": name, "code": "in_use", "message": str(count)} for name, count in counts.items()
    ]
    text = ", ".join(f"{count} {name}" for name, count in counts.items())
    return problem(409, _("This is in use by %(users)s.") % {"users": text}, details=details)


def _broken_constraint(failure: DatabaseError) -> HttpResponse:
    """Unique rules are conflicts, others are faults of the body; both speak for themselves."""
    # PostgreSQL names the constraint; SQLite's text does, or names the columns.
    named = getattr(getattr(failure.__cause__, "diag", None), "constraint_name", None)
    constraint = _constraint_in(named or str(failure))
    if constraint is None:
        return problem(409, _("This collides with another row."))
    message = str(constraint.get_violation_error_message())
    if isinstance(constraint, CheckConstraint):
        detail = {"field": "", "code": "invalid", "message": message}
        return problem(422, message, details=[detail])
    return problem(409, message)


def _constraint_in(text: str) -> BaseConstraint | None:
    """The constraint the database names, by its name or (SQLite) by its columns."""
    for model in apps.get_models():
        meta = model._meta  # noqa: SLF001  (documented by Django)
        for constraint in meta.constraints:
            columns = ", ".join(
                f"{meta.db_table}.{meta.get_field(name).column}"  # type: ignore[union-attr]
                for name in getattr(constraint, "fields", ())
            )
            if constraint.name in text or (columns and text.endswith(f": {columns}")):
                return constraint
    return None


# --- Addresses and failures outside the REST framework -----------------------------------------


def _for_machines(request: HttpRequest) -> bool:
    return request.path.startswith(MACHINE_PATHS) or request.path == "/api"


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400."""
    if not _for_machines(request):
        return defaults.bad_request(request, exception)
    return problem(400, _("The request is malformed."))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    if not _for_machines(request):
        return defaults.permission_denied(request, exception)
    return problem(403, _("You may not do this."))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404."""
    if not _for_machines(request):
        return defaults.page_not_found(request, exception)
    return problem(404, _("There is nothing here."))


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500."""
    if not _for_machines(request):
        return defaults.server_error(request)
    return problem(500, _("Something went wrong on our side."))
