"""Google's answers become errors by what the caller can do about them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import httplib2
import pytest
from googleapiclient.errors import HttpError

from pipedesk.core.exceptions import GiveUp, TryLater
from pipedesk.google import errors
from pipedesk.google.answers import error_of, retry_after_s

URI = "https://www.googleapis.com/calendar/v3/x?syncToken=SECRET-TOKEN"


def answer(status: int, reason: str = "", retry_after: str | None = None) -> HttpError:
    headers = {"status": str(status), "content-type": "application/json"}
    if retry_after is not None:
        headers["retry-after"] = retry_after
    body = {"error": {"code": status, "message": "no", "errors": [{"reason": reason}]}}
    return HttpError(httplib2.Response(headers), json.dumps(body).encode(), uri=URI)


@pytest.mark.parametrize(
    ("status", "reason", "error"),
    [
        (400, "pushNotSupportedForRequestedResource", errors.InvalidRequest),
        (401, "authError", errors.Unauthorized),
        (403, "forbidden", errors.Forbidden),
        (403, "insufficientFilePermissions", errors.Refused),
        (403, "storageQuotaExceeded", errors.Refused),
        (403, "userRateLimitExceeded", errors.RateLimited),
        (403, "rateLimitExceeded", errors.RateLimited),
        (403, "quotaExceeded", errors.RateLimited),
        (429, "", errors.RateLimited),
        (404, "notFound", errors.NotFound),
        (409, "duplicate", errors.AlreadyExists),
        (410, "fullSyncRequired", errors.Gone),
        (412, "conditionNotMet", errors.PreconditionFailed),
        (500, "backendError", errors.TemporaryError),
        (503, "", errors.TemporaryError),
    ],
)
def test_f15_each_answer_is_the_error_its_status_and_reason_mean(
    status: int, reason: str, error: type[errors.GoogleError]
) -> None:
    found = error_of(answer(status, reason))

    assert type(found) is error
    assert found.reason == reason


def test_the_text_of_an_error_holds_no_address() -> None:
    found = error_of(answer(410, "fullSyncRequired"))

    assert "SECRET-TOKEN" not in f"{found} {found!r}"


def test_passing_and_lasting_failures_are_told_apart_without_knowing_google() -> None:
    assert isinstance(error_of(answer(503)), TryLater)
    assert isinstance(error_of(answer(429)), TryLater)
    assert isinstance(error_of(answer(403, "forbidden")), GiveUp)


def test_a_limit_against_abuse_leads_to_a_long_pause() -> None:
    found = error_of(answer(403, "quotaExceeded"))

    assert isinstance(found, errors.RateLimited)
    assert found.retry_after_s == 3600


NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("Thu, 01 Jan 2026 00:00:30 GMT", 30.0),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 3600.0),
        ("Wed, 31 Dec 2025 00:00:00 GMT", None),
        ("1000000000", 3600.0),
        ("9" * 400, 3600.0),
        ("-5", None),
        ("0", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_f14_retry_after_is_read_in_every_form(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, NOW) == seconds
