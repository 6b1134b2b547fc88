"""Serializer fields the contract needs."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

FIRST_YEAR, LAST_YEAR = 1900, 2199
MAX_OFFSET = timedelta(hours=14)
# A "+" that nobody escaped arrives as a space in a query string.
UNESCAPED_PLUS = re.compile(r" (?=\d\d:?\d\d$)")


def read_moment(text: str) -> datetime:
    """A point in time from ISO 8601 with an offset. Raises ValueError with a text for people.

    Years and offsets are bounded so that no database overflows while converting.
    """
    try:
        moment = parse_datetime(UNESCAPED_PLUS.sub("+", text.strip()))
    except ValueError:
        moment = None
    if moment is None:
        raise ValueError(_("Not a time in ISO 8601, such as 2026-11-23T09:30:00-03:00."))
    offset = moment.utcoffset()
    if offset is None:
        raise ValueError(_("The time has no offset; write it with one, such as Z or -03:00."))
    if abs(offset) > MAX_OFFSET or not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(_("The time is out of range."))
    return moment


class AwareDateTimeField(serializers.DateTimeField):
    """ISO 8601 with an offset, in and out; what comes out is UTC."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("default_timezone", UTC)
        super().__init__(**kwargs)

    def to_internal_value(self, value: Any) -> datetime:
        """The moment. Text without an offset is refused."""
        if not isinstance(value, str):
            self.fail("invalid", format="ISO 8601")
        try:
            return read_moment(value)
        except ValueError as fault:
            raise serializers.ValidationError(str(fault), code="invalid_time") from None
