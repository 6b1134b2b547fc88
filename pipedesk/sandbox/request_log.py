"""Counts requests per API method, so that a test can say how often something was asked."""

import threading
from collections import Counter


class RequestLog:
    """``GET /_sandbox/requests``."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, method_id: str) -> None:
        """One more request to a method, whatever its outcome."""
        with self._lock:
            self._counts[method_id] += 1

    def count(self, method_id: str) -> int:
        """How many requests a method had."""
        with self._lock:
            return self._counts[method_id]

    def as_json(self) -> dict[str, int]:
        """Every method that was called."""
        with self._lock:
            return dict(sorted(self._counts.items()))

    def clear(self) -> None:
        """Start counting anew."""
        with self._lock:
            self._counts.clear()
