"""Folder templates in the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from gdrive.models import DriveStructureNode, DriveStructureTemplate

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]

Api = Callable[..., Any]
ADDRESS = "/api/drive/templates"


def default() -> DriveStructureTemplate:
    return DriveStructureTemplate.objects.get(name="Default Contact Template")


def body(**fields: Any) -> dict[str, Any]:
    return {
        "name": "Ours",
        "entity_type": "contact",
        "nodes": [
            {"name": "A {{contact_name}}", "children": [{"name": "B"}, {"name": "C {{year}}"}]},
            {"name": "D"},
        ],
        **fields,
    }


def test_templates_are_listed_with_their_folders_nested(
    api: Api, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = api("sales")

    with django_assert_num_queries(4):
        answer = client.get(ADDRESS)

    rows = {row["entity_type"]: row for row in answer.json()["data"]}
    assert set(rows) == {"company", "lead", "deal", "contact"}
    assert set(rows["contact"]) == {"id", "name", "entity_type", "active", "version", "nodes"}
    [third] = [node for node in rows["company"]["nodes"] if node["name"].startswith("03.")]
    assert set(third) == {"id", "name", "order", "children"}
    assert third["children"][0]["name"] == "03.01 Dossiê Sócios PF"


def test_a_template_is_filtered_by_kind_and_fetched_with_its_tag(api: Api) -> None:
    client = api("sales")
    [row] = client.get(ADDRESS, {"entity_type": "lead", "active": "true"}).json()["data"]

    answer = client.get(f"{ADDRESS}/{row['id']}/")

    assert answer.json() == row
    again = client.get(f"{ADDRESS}/{row['id']}", HTTP_IF_NONE_MATCH=answer["ETag"])
    assert again.status_code == 304


def test_a_new_template_does_not_take_over_unless_told(api: Api) -> None:
    first = api("manager").post(ADDRESS, body())
    second = api("manager").post(ADDRESS, body(name="Other", active=True))

    assert (first.status_code, first.json()["active"]) == (201, False)
    assert first.json()["nodes"][0]["children"][1]["name"] == "C {{year}}"
    assert second.json()["active"]
    active = DriveStructureTemplate.objects.active_for("contact")
    assert [template.name for template in active] == ["Other"]


def test_the_first_of_its_kind_is_active(api: Api) -> None:
    default().delete()

    assert api("manager").post(ADDRESS, body()).json()["active"]


def test_editing_keeps_the_rows_that_are_named_and_counts_the_version(api: Api) -> None:
    template = default()
    first, second = template.nodes.all()

    answer = api("manager").patch(
        f"{ADDRESS}/{template.pk}",
        {"nodes": [{"id": second.pk, "name": "New", "children": [{"name": "Sub"}]}]},
    )

    assert answer.status_code == 200
    assert answer.json()["version"] == 2
    assert answer.json()["nodes"][0]["id"] == second.pk
    assert [node["name"] for node in answer.json()["nodes"][0]["children"]] == ["Sub"]
    assert not DriveStructureNode.objects.filter(pk=first.pk).exists()
    template.refresh_from_db()
    assert template.edited_at is not None


def test_a_folder_may_change_places_with_the_one_above(api: Api) -> None:
    template = default()
    outer, _ = template.nodes.all()
    inner = template.nodes.create(parent=outer, name="Inner")

    nodes = [{"id": inner.pk, "name": "Inner", "children": [{"id": outer.pk, "name": "Outer"}]}]
    answer = api("manager").patch(f"{ADDRESS}/{template.pk}", {"nodes": nodes})

    assert answer.json()["nodes"][0]["children"][0]["id"] == outer.pk
    assert template.nodes.count() == 2


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        ([{"name": "{{contact_nam}}"}], "contact_name"),
        ([{"name": "a", "children": [{"name": "{{lead_name}}"}]}], "lead_name"),
        ([{"name": ""}], "nodes"),
        ([{"name": "x" * 256}], "nodes"),
        ([{"name": "a", "child": []}], "children"),
        ([{"id": 999999, "name": "a"}], "999999"),
        ([{"name": str(number)} for number in range(501)], "500"),
        ([{"name": "x", "children": [{"name": "Docs"}, {"name": "DOCS"}]}], "docs"),
        ("a", "nodes"),
    ],
)
def test_folders_that_break_a_rule_are_refused_whole(api: Api, nodes: Any, said: str) -> None:
    before = list(DriveStructureNode.objects.values_list("pk", "name"))

    answer = api("manager").post(ADDRESS, body(nodes=nodes))

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert list(DriveStructureNode.objects.values_list("pk", "name")) == before
    assert not DriveStructureTemplate.objects.filter(name="Ours").exists()


def test_a_folder_named_twice_is_refused(api: Api) -> None:
    template = default()
    pk = template.nodes.all()[0].pk

    answer = api("manager").patch(
        f"{ADDRESS}/{template.pk}", {"nodes": [{"id": pk, "name": "a"}, {"id": pk, "name": "b"}]}
    )

    assert answer.status_code == 422
    assert template.nodes.count() == 2


def test_a_kind_is_never_left_without_an_active_template(api: Api) -> None:
    template = default()
    client = api("manager")

    off = client.patch(f"{ADDRESS}/{template.pk}", {"active": False})
    gone = client.delete(f"{ADDRESS}/{template.pk}")

    assert (off.status_code, gone.status_code) == (422, 409)
    other = client.post(ADDRESS, body(active=True)).json()
    assert client.delete(f"{ADDRESS}/{template.pk}").status_code == 204
    assert client.get(f"{ADDRESS}/{other['id']}").json()["active"]


def test_a_template_stays_with_its_kind_and_names_are_unique(api: Api) -> None:
    client = api("manager")

    kind = client.patch(f"{ADDRESS}/{default().pk}", {"entity_type": "lead"})
    name = client.post(ADDRESS, body(name="Default Lead Template"))

    assert kind.status_code == 422
    assert name.status_code in {409, 422}


def test_somebody_elses_edit_is_not_overwritten(api: Api) -> None:
    template, client = default(), api("manager")
    tag = client.get(f"{ADDRESS}/{template.pk}")["ETag"]
    client.patch(f"{ADDRESS}/{template.pk}", {"name": "First"})

    answer = client.patch(f"{ADDRESS}/{template.pk}", {"name": "Second"}, HTTP_IF_MATCH=tag)

    assert answer.status_code == 412


def test_sales_read_and_strangers_do_not(api: Api) -> None:
    template = default()

    assert api("sales").post(ADDRESS, body()).status_code == 403
    assert api("sales").patch(f"{ADDRESS}/{template.pk}", {"name": "x"}).status_code == 403
    assert api("sales").delete(f"{ADDRESS}/{template.pk}").status_code == 403
    assert api(None).get(ADDRESS).status_code == 401
    assert api("").get(ADDRESS).status_code == 403
    assert api("manager").get(f"{ADDRESS}/999999").status_code == 404
