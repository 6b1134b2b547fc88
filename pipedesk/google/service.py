"""The only door to Google: one service per thread, time-outs, retries, errors of ours.

The root URL is patched into the discovery document, because the client library's own
`api_endpoint` option leaves uploads and batches pointing at Google.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable
from copy import deepcopy
from functools import lru_cache
from http.client import HTTPException
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlencode

import httplib2
from django.conf import settings
from google.auth.exceptions import GoogleAuthError, InvalidOperation, RefreshError
from google_auth_httplib2 import AuthorizedHttp
from googleapiclient.discovery import Resource, build_from_document
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.errors import HttpError
from googleapiclient.http import HttpRequest

from pipedesk.google.answers import error_of
from pipedesk.google.credentials import credentials_for
from pipedesk.google.errors import RateLimited, TemporaryError, Unauthorized
from pipedesk.google.once import sent_once
from pipedesk.google.wire import Client

READ_TIMEOUT_S = 20  # of an answer, from the request's last byte to its own
RETRIES = 2
# Retrying ends here, so that a job stays inside its time slice; the job's own back-off goes on.
PATIENCE_S = 15

_threads = threading.local()


@lru_cache(maxsize=8)
def _document(name: str, version: str, root_url: str) -> dict[str, Any]:
    document = json.loads(get_static_doc(name, version))
    document["rootUrl"] = root_url
    document.pop("mtlsRootUrl", None)
    return dict(document)


def _request_builder(subject: str) -> Callable[..., HttpRequest]:
    """Requests that are charged to `subject`'s quota and not to the service account's.

    https://developers.google.com/workspace/calendar/api/guides/quota#service_accounts
    """

    def build(http: Any, postproc: Any, uri: str, **options: Any) -> HttpRequest:
        if subject:
            uri += ("&" if "?" in uri else "?") + urlencode({"quotaUser": subject})
        return HttpRequest(http, postproc, uri, **options)

    return build


def _service(name: str, version: str, subject: str) -> Resource:
    root_url = settings.GOOGLE_API_ROOT_URL.rstrip("/") + "/"
    services: dict[tuple[str, str, str], Resource] = _threads.__dict__.setdefault("services", {})
    key = (name, subject, root_url)
    if key not in services:
        services[key] = build_from_document(
            deepcopy(_document(name, version, root_url)),
            http=AuthorizedHttp(credentials_for(subject, root_url), http=Client(READ_TIMEOUT_S)),
            requestBuilder=_request_builder(subject),
        )
    return services[key]


def calendar_service(subject: str = "") -> Resource:
    """Calendar v3 in the name of `subject` (empty: GOOGLE_IMPERSONATE_EMAIL), of this thread."""
    return _service("calendar", "v3", subject or settings.GOOGLE_IMPERSONATE_EMAIL)


def drive_service(subject: str = "") -> Resource:
    """Drive v3 in the name of `subject` (empty: GOOGLE_IMPERSONATE_EMAIL), of this thread."""
    return _service("drive", "v3", subject or settings.GOOGLE_IMPERSONATE_EMAIL)


def close_services() -> None:
    """Close this thread's connections; the next call opens new ones."""
    for service in _threads.__dict__.pop("services", {}).values():
        service.close()


def checked(ask: Callable[[], Any]) -> Any:
    """What a call of the library returns. Raises GoogleError for what it raises."""
    try:
        return ask()
    except HttpError as failure:
        raise error_of(failure) from failure
    except (RefreshError, InvalidOperation) as failure:
        msg = "Google refuses our credential: check the key and its delegation."
        raise Unauthorized(msg, reason="refreshError") from failure
    except (GoogleAuthError, httplib2.HttpLib2Error, HTTPException, OSError) as failure:
        msg = f"Google did not answer ({type(failure).__name__})"
        raise TemporaryError(msg) from failure


def as_dict(answer: Any, verb: str) -> dict[str, Any]:
    """The library hands a body that is not JSON through as text: that is a failure.

    So is no body at all, where something was asked for: it would pass for an empty list.
    """
    if not answer and verb != "GET":  # 204, or 200 and nothing to say
        return {}
    if not isinstance(answer, dict):  # truncated, or the page of a captive portal
        msg = "Google's answer is not JSON"
        raise TemporaryError(msg)
    return answer


def pause_after(failure: TemporaryError | RateLimited, attempt: int) -> float:
    """Seconds to wait before the next try: what Google asked for, or longer each time."""
    return failure.retry_after_s or random.uniform(0.5, 1.0) * 2**attempt  # noqa: S311


def execute(request: HttpRequest, *, retries: int = RETRIES, once: bool = False) -> dict[str, Any]:
    """Run a request; passing failures are tried again, with jitter and Retry-After.

    Every create must carry an id of ours: a retry, and the HTTP library itself, may send it
    twice. One that cannot goes onto the wire `once` at most: after a TemporaryError nobody
    knows whether Google did it. A delete answers an empty dict.

    Raises GoogleError: what the caller can do about it is in the type.
    """
    if once:
        answer = checked(lambda: sent_once(request, READ_TIMEOUT_S))
        return as_dict(answer, request.method)
    started = monotonic()
    for attempt in range(retries + 1):
        try:
            return as_dict(checked(request.execute), request.method)
        except (TemporaryError, RateLimited) as failure:
            wait_s = pause_after(failure, attempt)
            if attempt == retries or monotonic() - started + wait_s > PATIENCE_S:
                raise
            sleep(wait_s)
    raise AssertionError  # pragma: no cover  the last attempt returned or raised
