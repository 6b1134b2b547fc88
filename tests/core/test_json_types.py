"""Bodies are read by their JSON types: nothing is guessed, nothing half said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.factories.crm import LeadFactory, LeadStatusFactory, TagFactory

pytestmark = pytest.mark.django_db

Api = Callable[..., APIClient]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("legal_name", 5),
        ("legal_name", True),
        ("legal_name", 1.5),
        ("priority_score", "85"),
        ("priority_score", True),
        ("owner_user_id", 5),
        ("owner_user_id", ""),
        ("qualified_company_id", ""),
        ("legal_name", "ACME" + " " * 500),  # too long before it is trimmed
    ],
    ids=str,
)
def test_another_json_type_is_422_and_changes_nothing(api: Api, field: str, value: Any) -> None:
    lead = LeadFactory()
    client = api("admin")
    before = client.get(f"/api/leads/{lead.pk}").json()

    answer = client.patch(f"/api/leads/{lead.pk}", {field: value})

    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["details"]] == [field]
    assert client.get(f"/api/leads/{lead.pk}").json() == before


def test_a_whole_number_may_be_written_with_a_point(api: Api) -> None:
    lead = LeadFactory()

    answer = api("admin").patch(f"/api/leads/{lead.pk}", {"priority_score": 85.0})

    assert answer.status_code == 200
    assert answer.json()["priority_score"] == 85


def test_each_element_of_a_list_has_its_type_and_is_named(api: Api) -> None:
    lead, tag = LeadFactory(), TagFactory()

    answer = api("admin").put(f"/api/leads/{lead.pk}/tags", {"tag_ids": [str(tag.pk), 5]})

    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["details"]] == ["tag_ids.1"]


def test_a_truth_value_is_no_text(api: Api) -> None:
    status = LeadStatusFactory()

    answer = api("admin").patch(f"/api/lead-statuses/{status.pk}", {"is_active": "false"})

    assert answer.status_code == 422


def test_an_object_inside_a_change_is_whole(api: Api) -> None:
    client = api("admin")
    made = client.post(
        "/api/drive/templates",
        {"name": "Pastas", "entity_type": "lead", "nodes": [{"name": "01. Contratos"}]},
    ).json()

    for nodes in ([{"order": 0}], [{"name": "x", "children": [{"order": 1}]}]):
        answer = client.patch(f"/api/drive/templates/{made['id']}", {"nodes": nodes})
        assert answer.status_code == 422
        assert answer.json()["details"][0]["code"] == "required"
    assert client.get(f"/api/drive/templates/{made['id']}").json()["nodes"] == made["nodes"]


def test_a_method_that_is_not_there_is_405_whatever_else_is_wrong(api: Api) -> None:
    client = api("admin")

    for method, address in (("TRACE", "/api/leads"), ("PATCH", "/api/users/00000000")):
        answer = client.generic(method, f"{address}?nonsense=1")
        assert answer.status_code in (404, 405), (method, answer.status_code)
    assert client.generic("TRACE", "/api/leads?nonsense=1").status_code == 405
