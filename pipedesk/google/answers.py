"""From an HTTP answer of Google to one of our errors: pure."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from django.utils.translation import gettext_lazy as _
from googleapiclient.errors import HttpError

from pipedesk.google.errors import (
    AlreadyExists,
    Forbidden,
    Gone,
    GoogleError,
    InvalidRequest,
    NotFound,
    PreconditionFailed,
    RateLimited,
    Refused,
    TemporaryError,
    Unauthorized,
)

RATE_REASONS = frozenset({"userRateLimitExceeded", "rateLimitExceeded", "sharingRateLimitExceeded"})
# Limits against abuse, not rates: only a long pause helps.
PAUSE_REASONS = frozenset({"quotaExceeded", "dailyLimitExceeded"})
PAUSE_S = 3600.0
MAX_RETRY_AFTER_S = 3600.0

# Drive's 403 that no retry changes, and what a person can do about each.
REFUSALS = {
    "storageQuotaExceeded": _(
        "The Google account that owns the folder has no storage left: free some, or buy more."
        " A service account has none at all: use a shared drive, or impersonate a person."
    ),
    "teamDriveFileLimitExceeded": _("The shared drive is full: remove files from it for good."),
    "numChildrenInNonRootLimitExceeded": _("The folder is full: use another one."),
    "myDriveHierarchyDepthLimitExceeded": _("Folders lie too deep here: use one further up."),
    "teamDriveHierarchyTooDeep": _("Folders lie too deep here: use one further up."),
    "activeItemCreationLimitExceeded": _(
        "The Google account has as many files as it can have: remove some for good."
    ),
    "insufficientFilePermissions": _(
        "Drive does not let PipeDesk's account do that: it must be an editor here, or the owner."
    ),
    "domainPolicy": _(
        "A rule of the organisation forbids this: ask who administers Google Workspace."
    ),
    "appNotAuthorizedToFile": _(
        "PipeDesk has no access to this file: open it in Drive with PipeDesk, or share it anew."
    ),
}

BY_STATUS: dict[int, type[GoogleError]] = {
    400: InvalidRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: AlreadyExists,
    410: Gone,
    412: PreconditionFailed,
}


def retry_after_s(header: str | None, now: datetime | None = None) -> float | None:
    """Seconds from a Retry-After header (seconds or HTTP date), at most an hour; None if odd."""
    if not header:
        return None
    try:
        seconds: float = int(header)
    except ValueError:
        try:
            moment = parsedate_to_datetime(header)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - (now or datetime.now(UTC))).total_seconds()
    return float(min(seconds, MAX_RETRY_AFTER_S)) if seconds > 0 else None


def reason_of(error: HttpError) -> str:
    """Google's `reason`, or the empty string where the body has none."""
    details = error.error_details
    if isinstance(details, list) and details and isinstance(details[0], dict):
        return str(details[0].get("reason", ""))
    return ""


def error_of(error: HttpError) -> GoogleError:
    """Our error for Google's answer. The text holds no address: it carries tokens and ids."""
    status = int(error.resp.status)
    reason = reason_of(error)
    message = f"Google answered {status} {reason}".strip()
    if reason in PAUSE_REASONS:
        return RateLimited(message, reason=reason, retry_after_s=PAUSE_S)
    if status == 429 or (status == 403 and reason in RATE_REASONS):
        wait_s = retry_after_s(error.resp.get("retry-after"))
        return RateLimited(message, reason=reason, retry_after_s=wait_s)
    if status >= 500:
        temporary = TemporaryError(message, reason=reason)
        temporary.retry_after_s = retry_after_s(error.resp.get("retry-after"))
        return temporary
    if status == 403 and reason in REFUSALS:
        return Refused(str(REFUSALS[reason]), reason=reason)
    return BY_STATUS.get(status, InvalidRequest)(message, reason=reason)
