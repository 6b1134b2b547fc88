"""What schemathesis is told of the product that no schema says."""

from __future__ import annotations

import os
import random
import re
from typing import Any

import requests
import schemathesis
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import TestPhase

from tests.api.document import in_older_names, in_own_names

# gunicorn refuses longer ones itself, before any of us sees them.
MAX_ADDRESS = 8000
# Rows are looked up again after so many calls: some were removed, others made.
FRESH_FOR = 150
LISTS = {
    "lead": "leads?include_qualified=true&",
    "company": "companies?",
    "contact": "contacts?",
    "deal": "deals?",
    "tag": "tags?",
    "status": "lead-statuses?",
    "origin": "lead-origins?",
    "user": "users?",
    "role": "user-roles?",
    "event": "calendar/events?",
    "calendar": "calendar/calendars?",
    "template": "drive/templates?",
    "change": "drive/changes?",
    "channel": "drive/channels?",
    "entry": "audit-logs?",
}
BY_PREFIX = {
    "/api/leads/{id}": "lead",
    "/api/companies/{id}": "company",
    "/api/contacts/{id}": "contact",
    "/api/deals/{id}": "deal",
    "/api/tags/{id}": "tag",
    "/api/lead-statuses/{id}": "status",
    "/api/lead-origins/{id}": "origin",
    "/api/users/{id}": "user",
    "/api/user-roles/{id}": "role",
    "/api/calendar/events/{id}": "event",
    "/api/calendar/calendars/{id}": "calendar",
    "/api/drive/templates/{id}": "template",
    "/api/drive/changes/{id}": "change",
    "/api/drive/channels/{id}": "channel",
    "/api/audit-logs/{id}": "entry",
}
BY_MEMBER = {
    "lead_status_id": "status",
    "lead_origin_id": "origin",
    "owner_user_id": "user",
    "newOwnerId": "user",
    "user_id": "user",
    "company_id": "company",
    "qualified_company_id": "company",
    "deal_id": "deal",
    "qualified_master_deal_id": "deal",
    "contact_id": "contact",
    "lead_id": "lead",
    "tag_ids": "tag",
    "add_tags": "tag",
    "remove_tags": "tag",
    "ids": "lead",
}
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]")
FAR_OFFSET = re.compile(r"[+-](1[4-9]|2\d):?\d\d$")
CALLERS = os.environ.get("PIPEDESK_CALLERS", "").split(",")
NO_ROLE_AT_ALL = 2**31 - 1
dice = random.Random(int(os.environ.get("PIPEDESK_FUZZ_SEED", "1")))


class Rows:
    """Ids of rows that are there, looked up with an admin's eyes."""

    def __init__(self) -> None:
        self.calls = 0
        self.ids: dict[str, list[Any]] = {}

    def any(self, kind: str) -> Any:
        """The id of some row of this kind; None where there is none."""
        if self.calls % FRESH_FOR == 0:
            self.ids = {name: self._listed(address) for name, address in LISTS.items()}
        self.calls += 1
        return dice.choice(self.ids[kind]) if self.ids.get(kind) else None

    @staticmethod
    def _listed(address: str) -> list[Any]:
        answer = requests.get(
            f"{os.environ['PIPEDESK_WEB']}/api/{address}page_size=100",
            headers={"Authorization": f"Bearer {os.environ['PIPEDESK_ADMIN_TOKEN']}"},
            timeout=30,
        )
        # Those who ask keep their roles.
        return [row["id"] for row in answer.json()["data"] if row.get("user_id") not in CALLERS]


rows = Rows()


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: dict[str, Any]) -> None:
    """One name for each thing: its own, or its older one, as the caller speaks."""
    speak = in_older_names if os.environ.get("PIPEDESK_SPEAKS") == "older" else in_own_names
    spoken = speak(raw_schema)
    raw_schema.clear()
    raw_schema.update(spoken)


@schemathesis.hook
def filter_case(context: Any, case: Any) -> bool:
    """Leave out addresses that never reach the product."""
    sent = case.as_transport_kwargs()
    address = requests.Request("GET", sent["url"], params=sent.get("params")).prepare().url
    return address is None or len(address) < MAX_ADDRESS


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Name rows that exist, mostly, where nothing wrong was meant to be said."""
    if case.meta is None:
        return
    if not case.meta.is_negative_at(ParameterLocation.PATH) or "user-roles" in case.path:
        _name_rows_in_path(case)
    if not case.meta.is_negative_at(ParameterLocation.QUERY):
        _make_pages_possible(case.query)
        _stay_in_these_centuries(case.query)
    if not case.meta.is_negative_at(ParameterLocation.HEADER):
        _match_whatever_is_there(case.headers)
    if isinstance(case.body, dict) and not case.meta.is_negative_at(ParameterLocation.BODY):
        _name_rows_in_body(case.body)


def _name_rows_in_path(case: Any) -> None:
    if case.path == "/api/user-roles/{id}" and case.method.upper() != "GET":
        case.path_parameters["id"] = rows.any("role") or NO_ROLE_AT_ALL
        return
    if case.meta.phase.name == TestPhase.STATEFUL:
        return  # it knows rows of its own
    chance = 0.2 if case.method.upper() == "DELETE" else 0.9
    if dice.random() > chance:
        return
    named = {
        "id": next((kind for it, kind in BY_PREFIX.items() if case.path.startswith(it)), ""),
        "contact_id": "contact",
        "entity_id": str(case.path_parameters.get("entity_type")),
    }
    for name, drawn in case.path_parameters.items():
        found = rows.any(named.get(name, ""))
        if found is not None:
            # Of the drawn one's type: a number where the schema says string counts as wrong.
            case.path_parameters[name] = str(found) if isinstance(drawn, str) else found


def _make_pages_possible(query: dict[str, Any]) -> None:
    """A cursor is one we were given, and comes without a page."""
    if "cursor" in query:
        if dice.random() < 0.5:
            del query["cursor"]
        else:
            query["cursor"] = ""
            for name in ("page", "offset"):
                query.pop(name, None)


def _stay_in_these_centuries(query: dict[str, Any]) -> None:
    """No schema can say that times are from 1900 to 2199, and offsets up to 14 hours."""
    for name, value in query.items():
        if isinstance(value, str) and MOMENT.match(value):
            query[name] = FAR_OFFSET.sub("Z", f"2024{value[4:]}")


def _match_whatever_is_there(headers: Any) -> None:
    if "If-Match" in headers and dice.random() < 0.8:
        headers["If-Match"] = "*"


def _name_rows_in_body(body: dict[str, Any]) -> None:
    for name, value in body.items():
        kind = BY_MEMBER.get(name)
        if isinstance(value, dict):
            _name_rows_in_body(value)
        found = None if kind is None or value is None or dice.random() > 0.9 else rows.any(kind)
        if found is not None:
            body[name] = [found] if isinstance(value, list) else found
