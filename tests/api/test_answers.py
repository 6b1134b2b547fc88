"""Answers are what the document says of them, also where everything that can be empty is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from rest_framework.test import APIClient

from tests.api.write import generated
from tests.factories.crm import ContactFactory, LeadContactFactory, LeadFactory

pytestmark = pytest.mark.django_db

DOCUMENT = generated()


def faults(answer: Any, path: str) -> list[str]:
    """What of an answer 200 the document does not say; where `fields` was not sent, whole rows."""
    response = DOCUMENT["paths"][path]["get"]["responses"]["200"]
    schema = response["content"]["application/json"]["schema"]
    validator = Draft202012Validator(
        {**schema, "components": DOCUMENT["components"]}, format_checker=FormatChecker()
    )
    return [fault.message for fault in validator.iter_errors(answer.json())]


def test_empty_texts_are_described(api: Callable[..., APIClient]) -> None:
    contact = ContactFactory(email="", phone="", role="")
    lead = LeadFactory(trade_name="", address_city="", address_state="")
    LeadContactFactory(lead=lead, contact=contact)
    client = api("admin")
    client.user.email = ""
    client.user.save()

    for path in ("/api/leads", "/api/leads/sales-view", "/api/contacts", "/api/users", "/api/me"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert faults(answer, path) == [], path
