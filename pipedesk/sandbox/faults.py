"""Faults on request: what a test asks the sandbox to do wrong.

A fault is planned with ``POST /_sandbox/faults`` (one JSON object or a list) or ``faults.plan``::

    {"method": "calendar\\\\.events\\\\..*", "kind": "status", "status": 503, "times": 2}
    {"verb": "POST", "path": "/files", "kind": "reset_after_commit"}
    {"push": "exists", "kind": "lost"}
"""

import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from pipedesk.sandbox.errors import GoogleError, Json, bad_request

REQUEST_KINDS = frozenset(
    {
        "status",
        "timeout",
        "timeout_after_commit",
        "reset_before",
        "reset_after_commit",
        "truncated",
        "malformed",
        "slow",
        "stale",
    }
)
PUSH_KINDS = frozenset({"lost", "doubled", "delayed", "forged"})


@dataclass
class Fault:
    """One planned fault; it plays ``times`` times after letting ``skip`` matches pass."""

    kind: str
    method: str = ""
    verb: str = ""
    path: str = ""
    push: str | None = None
    times: int = 1
    skip: int = 0
    status: int = 500
    reason: str = "backendError"
    message: str = "Backend Error"
    domain: str = "global"
    retry_after: str | None = None
    seconds: float = 1.0

    def matches(self, method_id: str, verb: str, path: str) -> bool:
        """Whether it is meant for this request: all given regular expressions are found."""
        wanted = ((self.method, method_id), (self.verb, verb), (self.path, path))
        return self.push is None and all(re.search(regex, text) for regex, text in wanted)

    def error(self) -> GoogleError:
        """The answer of a ``status`` fault."""
        error = GoogleError(self.status, self.reason, self.message, domain=self.domain)
        if self.retry_after is not None:
            error.headers["Retry-After"] = str(self.retry_after)
        return error


class Faults:
    """The plan, in order; the first fault that matches and is not used up plays."""

    def __init__(self) -> None:
        self._plan: list[Fault] = []
        self._lock = threading.Lock()
        self.latency_s = 0.0

    def plan(self, *descriptions: Json) -> None:
        """Add faults. Raises GoogleError 400 for one that cannot be played."""
        faults = [_read(description) for description in descriptions]
        with self._lock:
            self._plan += faults

    def clear(self) -> None:
        """Drop the plan and the latency."""
        with self._lock:
            self._plan.clear()
            self.latency_s = 0.0

    def for_request(self, method_id: str, verb: str, path: str) -> Fault | None:
        """The fault to play on this request; it is used up by asking."""
        with self._lock:
            return _take(fault for fault in self._plan if fault.matches(method_id, verb, path))

    def for_push(self, state: str) -> Fault | None:
        """The fault to play on a message with this resource state."""
        with self._lock:
            return _take(
                fault
                for fault in self._plan
                if fault.push is not None and re.search(fault.push, state)
            )

    def as_json(self) -> list[Json]:
        """What is still planned."""
        with self._lock:
            return [dict(vars(fault)) for fault in self._plan if fault.times > 0]


def _take(matching: Iterable[Fault]) -> Fault | None:
    for fault in matching:
        if fault.times <= 0:
            continue
        if fault.skip > 0:
            fault.skip -= 1
            continue
        fault.times -= 1
        return fault
    return None


def _read(description: Any) -> Fault:
    if not isinstance(description, dict):
        raise bad_request("A fault is a JSON object.")
    unknown = set(description) - {field.name for field in fields(Fault)}
    if unknown:
        raise bad_request(f"Unknown in a fault: {', '.join(sorted(unknown))}")
    kinds = REQUEST_KINDS if description.get("push") is None else PUSH_KINDS
    if description.get("kind") not in kinds:
        raise bad_request(f"A fault's kind is one of: {', '.join(sorted(kinds))}")
    for name in ("times", "skip", "status", "seconds"):
        if not isinstance(description.get(name, 0), int | float):
            raise bad_request(f"A fault's {name} is a number.")
    try:
        for name in ("method", "verb", "path", "push"):
            re.compile(description.get(name) or "")
        return Fault(**description)
    except (re.error, TypeError) as error:
        raise bad_request(f"A fault that cannot be read: {error}") from error
