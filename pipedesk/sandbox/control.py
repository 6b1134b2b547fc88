"""The sandbox's own addresses under ``/_sandbox/``: faults, clock, counters, reset."""

import json
from collections.abc import Callable
from typing import Any

from pipedesk.sandbox.errors import GoogleError, Json, bad_request, not_found
from pipedesk.sandbox.exchange import Request, Response, json_response
from pipedesk.sandbox.google import Google


class Control:
    """What a test or a person at the keyboard asks of the sandbox itself."""

    def __init__(self, google: Google) -> None:
        self._google = google
        self._actions: dict[tuple[str, str], Callable[[Any], object]] = {
            ("GET", "/_sandbox/faults"): lambda _body: google.faults.as_json(),
            ("POST", "/_sandbox/faults"): self._plan,
            ("DELETE", "/_sandbox/faults"): lambda _body: google.faults.clear(),
            ("POST", "/_sandbox/latency"): self._set_latency,
            ("POST", "/_sandbox/clock"): self._shift_clock,
            ("POST", "/_sandbox/expire_tokens"): lambda _body: google.expire_tokens(),
            ("GET", "/_sandbox/requests"): lambda _body: google.requests.as_json(),
            ("DELETE", "/_sandbox/requests"): lambda _body: google.requests.clear(),
            ("GET", "/_sandbox/version"): lambda _body: {"version": google.store.position},
            ("POST", "/_sandbox/reset"): lambda _body: google.reset(),
        }

    def answer(self, request: Request) -> Response:
        """Perform an action; its result as JSON, ``{}`` where it has none."""
        try:
            action = self._actions.get((request.verb, request.path))
            if action is None:
                raise not_found()
            outcome = action(_read_json(request))
            return json_response({} if outcome is None else outcome)
        except GoogleError as error:
            return json_response(error.as_json(), error.status)

    def _plan(self, body: Any) -> list[Json]:
        descriptions = body if isinstance(body, list) else [body]
        self._google.faults.plan(*descriptions)
        return self._google.faults.as_json()

    def _set_latency(self, body: Any) -> Json:
        self._google.faults.latency_s = _seconds(body)
        return {"seconds": self._google.faults.latency_s}

    def _shift_clock(self, body: Any) -> Json:
        self._google.clock.shift(_seconds(body))
        return {"now": self._google.clock.now().isoformat()}


def _read_json(request: Request) -> Any:
    try:
        return json.loads(request.body or b"{}")
    except ValueError:
        raise bad_request("Parse Error", "parseError") from None


def _seconds(body: Any) -> float:
    seconds = body.get("seconds") if isinstance(body, dict) else None
    if not isinstance(seconds, int | float):
        raise bad_request('The body is {"seconds": number}.')
    return float(seconds)
