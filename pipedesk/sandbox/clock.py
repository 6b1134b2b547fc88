"""The sandbox's clock, which a test can shift."""

from datetime import UTC, datetime, timedelta


class Clock:
    """Wall-clock time plus a shift, so that expiry is tested without waiting."""

    def __init__(self) -> None:
        self._shift = timedelta(0)

    def now(self) -> datetime:
        """The time the sandbox believes in, in UTC."""
        return datetime.now(UTC) + self._shift

    def now_ms(self) -> int:
        """Milliseconds since the epoch, Google's unit for channel expiry."""
        return int(self.now().timestamp() * 1000)

    def shift(self, seconds: float) -> None:
        """Move the clock forward, or back with a negative number."""
        self._shift += timedelta(seconds=seconds)

    def reset(self) -> None:
        """Back to wall-clock time."""
        self._shift = timedelta(0)


def rfc3339(moment: datetime) -> str:
    """A moment as Google writes it: UTC, milliseconds, ``Z``."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def parse_rfc3339(text: str) -> datetime:
    """A moment as clients write it; without an offset it is read as UTC.

    Raises ValueError when the text is no RFC 3339 date-time.
    """
    if "T" not in text.upper():
        raise ValueError(text)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
