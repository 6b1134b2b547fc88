"""Google's error answers, as both APIs word them.

https://developers.google.com/workspace/calendar/api/guides/errors
https://developers.google.com/workspace/drive/api/guides/handle-errors
"""

from typing import Any

Json = dict[str, Any]


class GoogleError(Exception):
    """An answer other than success; ``reason`` is what clients decide on."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        domain: str = "global",
        location: str | None = None,
        location_type: str = "parameter",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.domain = domain
        self.location = location
        self.location_type = location_type
        self.headers: dict[str, str] = {}

    def as_json(self) -> Json:
        """The body Google sends: one error in a list, and its summary around it."""
        detail: Json = {"domain": self.domain, "reason": self.reason, "message": self.message}
        if self.location is not None:
            detail["locationType"] = self.location_type
            detail["location"] = self.location
        return {"error": {"code": self.status, "message": self.message, "errors": [detail]}}


def invalid_parameter(name: str, message: str) -> GoogleError:
    """400 for a query or path parameter."""
    return GoogleError(400, "invalidParameter", message, location=name)


def invalid_value(name: str, message: str = "Invalid Value") -> GoogleError:
    """400 ``invalid``, the general answer for a value that does not fit."""
    return GoogleError(400, "invalid", message, location=name)


def bad_request(message: str, reason: str = "badRequest") -> GoogleError:
    """400 for a body that breaks a rule."""
    return GoogleError(400, reason, message)


def required(name: str, message: str = "Required", location_type: str = "parameter") -> GoogleError:
    """400 for something that is missing."""
    return GoogleError(400, "required", message, location=name, location_type=location_type)


def not_found(message: str = "Not Found", location: str | None = None) -> GoogleError:
    """404: never existed, or the user may not see it. Google does not say which."""
    return GoogleError(404, "notFound", message, location=location)


def file_not_found(file_id: str) -> GoogleError:
    """Drive's 404."""
    return not_found(f"File not found: {file_id}.", "fileId")


def precondition_failed() -> GoogleError:
    """412 for a stale ``If-Match``."""
    return GoogleError(
        412, "conditionNotMet", "Precondition Failed", location="If-Match", location_type="header"
    )


def full_sync_required() -> GoogleError:
    """410 for a sync token that is expired, unknown or somebody else's."""
    return GoogleError(
        410,
        "fullSyncRequired",
        "Sync token is no longer valid, a full sync is required.",
        domain="calendar",
        location="syncToken",
    )
