"""Versions of folder templates, copies of them, and documents to carry elsewhere."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from gdrive import template_documents, template_rules, templating
from gdrive.default_templates import ensure_templates
from gdrive.models import (
    DriveStructureNode,
    DriveStructureTemplate,
    DriveStructureTemplateVersion,
)
from gdrive.template_serializers import ImportSerializer
from tests.browsing import superuser

pytestmark = pytest.mark.django_db

Api = Callable[..., Any]
ADDRESS = "/api/drive/templates"


@pytest.fixture
def template(templates: None) -> DriveStructureTemplate:
    return DriveStructureTemplate.objects.get(entity_type="contact")


def names(nodes: list[dict[str, Any]]) -> list[Any]:
    return [(node["name"], names(node["children"])) for node in nodes]


# --- Versions ------------------------------------------------------------------------------------


def test_what_a_template_said_before_can_be_read_and_who_changed_it(
    api: Api, template: DriveStructureTemplate, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    manager = api("manager")
    page = f"{ADDRESS}/{template.pk}"
    before = manager.get(page).json()

    manager.patch(page, {"nodes": [{"name": "Other"}]})

    with django_assert_num_queries(5):
        listed = manager.get(f"{page}/versions").json()["data"]
    assert [row["version"] for row in listed] == [2, 1]
    assert [row["edited_by"] for row in listed] == [str(manager.user.pk), None]
    first = api("sales").get(f"{page}/versions/1")
    assert first.json()["nodes"] == before["nodes"]
    assert first.json()["name"] == "Default Contact Template"
    assert manager.get(f"{page}/versions/2").json()["nodes"][0]["name"] == "Other"
    assert manager.get(f"{page}/versions/3").status_code == 404
    assert manager.get(f"{page}/versions/{2**40}").status_code == 404


def test_an_edit_that_says_nothing_new_makes_no_version(
    api: Api, template: DriveStructureTemplate
) -> None:
    client, page = api("manager"), f"{ADDRESS}/{template.pk}"
    shown = client.get(page).json()

    client.patch(page, {"nodes": shown["nodes"], "name": shown["name"]})
    client.post(ADDRESS, {"name": "Other", "entity_type": "contact", "active": True})
    client.patch(page, {"active": True})

    assert client.get(page).json() == shown
    assert template.versions.count() == 1


def test_going_back_is_the_next_version_with_the_same_folders(
    api: Api, template: DriveStructureTemplate
) -> None:
    client, page = api("manager"), f"{ADDRESS}/{template.pk}"
    before = client.get(page).json()["nodes"]
    client.patch(page, {"nodes": [{"id": before[0]["id"], "name": "Only"}]})

    answer = client.post(f"{page}/versions/1/restore")

    assert answer.json()["version"] == 3
    assert answer.json()["nodes"] == before
    assert client.post(f"{page}/versions/1/restore").json()["version"] == 3
    assert client.post(f"{page}/versions/9/restore").status_code == 404
    assert api("sales").post(f"{page}/versions/1/restore").status_code == 403


def test_an_edit_in_the_admin_is_a_version_too(template: DriveStructureTemplate) -> None:
    boss = superuser()
    first, second = template.nodes.all()
    fields = {"name": template.name, "active": "on", "nodes-TOTAL_FORMS": 2}
    fields |= {"nodes-INITIAL_FORMS": 2}
    for number, node in enumerate((first, second)):
        fields |= {
            f"nodes-{number}-id": node.pk,
            f"nodes-{number}-template": template.pk,
            f"nodes-{number}-name": node.name,
            f"nodes-{number}-parent": "",
            f"nodes-{number}-order": node.order,
        }
    page = reverse("admin:gdrive_drivestructuretemplate_change", args=(template.pk,))

    boss.post(page, fields)
    boss.post(page, {**fields, "nodes-0-name": "Papers"})

    rows = template.versions.order_by("version")
    assert [row.version for row in rows] == [1, 2]
    assert rows[1].edited_by is not None
    assert [node["name"] for node in rows[1].document["nodes"]] == ["Papers", second.name]
    assert [node["name"] for node in rows[0].document["nodes"]] == [first.name, second.name]


def test_default_templates_have_their_first_version_and_edited_ones_stay(
    api: Api, template: DriveStructureTemplate
) -> None:
    api("manager").patch(f"{ADDRESS}/{template.pk}", {"nodes": [{"name": "Ours"}]})
    DriveStructureTemplateVersion.objects.filter(version=2).delete()

    assert ensure_templates() == []

    assert [node.name for node in template.nodes.all()] == ["Ours"]
    assert DriveStructureTemplateVersion.objects.count() == 5


# --- Copies and documents ------------------------------------------------------------------------


def test_a_copy_has_folders_of_its_own_and_is_not_active(
    api: Api, template: DriveStructureTemplate
) -> None:
    client = api("manager")

    first = client.post(f"{ADDRESS}/{template.pk}/clone")
    second = client.post(f"{ADDRESS}/{template.pk}/clone", {})
    named = client.post(f"{ADDRESS}/{template.pk}/clone", {"name": "Ours"})
    taken = client.post(f"{ADDRESS}/{template.pk}/clone", {"name": "Ours"})

    assert first.status_code == 201
    assert first.json()["name"] == "Copy of Default Contact Template"
    assert second.json()["name"] == "Copy of Default Contact Template (2)"
    assert (named.json()["name"], named.json()["active"]) == ("Ours", False)
    assert taken.status_code == 409
    original = client.get(f"{ADDRESS}/{template.pk}").json()
    assert names(first.json()["nodes"]) == names(original["nodes"])
    assert {node["id"] for node in first.json()["nodes"]}.isdisjoint(
        node["id"] for node in original["nodes"]
    )
    assert api("sales").post(f"{ADDRESS}/{template.pk}/clone").status_code == 403


def test_a_document_comes_back_as_the_same_template(
    api: Api, template: DriveStructureTemplate
) -> None:
    client = api("manager")
    answer = api("sales").get(f"{ADDRESS}/{template.pk}/export")
    document = answer.json()

    refused = client.post(f"{ADDRESS}/import", document)
    imported = client.post(f"{ADDRESS}/import", {**document, "name": "Second"})
    active = client.post(f"{ADDRESS}/import", {**document, "name": "Third", "active": True})

    assert answer["Content-Disposition"].startswith("attachment")
    assert (document["format"], document["format_version"]) == ("pipedesk.folder-template", 1)
    assert refused.status_code == 422
    assert (imported.status_code, imported.json()["active"]) == (201, False)
    again = client.get(f"{ADDRESS}/{imported.json()['id']}/export").json()
    assert again == {**document, "name": "Second"}
    assert active.json()["active"]
    assert DriveStructureTemplate.objects.active_for("contact").get().name == "Third"
    assert api("sales").post(f"{ADDRESS}/import", document).status_code == 403


@pytest.mark.parametrize(
    "change",
    [
        {"format": "other"},
        {"format_version": 2},
        {"format_version": "1"},
        {"entity_type": "person"},
        {"nodes": None},
        {"nodes": [{"name": "{{contact_nam}}", "children": []}]},
        {"nodes": [{"name": "{{ year", "children": []}]},
        {"nodes": [{"id": 1, "name": "a"}]},
        {"nodes": [{"name": "a"}, {"name": "A"}]},
        {"more": 1},
        {"name": ""},
    ],
)
def test_a_document_that_breaks_a_rule_is_refused_whole(api: Api, change: dict[str, Any]) -> None:
    ensure_templates()
    before = (DriveStructureTemplate.objects.count(), DriveStructureNode.objects.count())
    document = {
        "format": "pipedesk.folder-template",
        "format_version": 1,
        "name": "Ours",
        "entity_type": "contact",
        "nodes": [],
    }

    answer = api("manager").post(f"{ADDRESS}/import", {**document, **change})

    assert answer.status_code == 422
    assert (DriveStructureTemplate.objects.count(), DriveStructureNode.objects.count()) == before


FOLDERS = st.recursive(
    st.lists(st.text("abcÁç {{year}}/", min_size=1, max_size=12), max_size=4).map(
        lambda texts: [{"name": text.strip(), "children": []} for text in texts]
    ),
    lambda inside: st.lists(
        st.tuples(st.text("defgñ", min_size=1, max_size=8), inside), max_size=3
    ).map(lambda pairs: [{"name": name, "children": below} for name, below in pairs]),
    max_leaves=12,
)


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(nodes=FOLDERS)
def test_export_import_export_is_the_same(nodes: list[dict[str, Any]]) -> None:
    if any(not n["name"] for n, _d in template_rules.flat(nodes)) or template_rules.faults(
        nodes, "lead"
    ):
        return
    DriveStructureTemplate.objects.filter(name__startswith="Trip").delete()
    template = DriveStructureTemplate(name="Trip", entity_type="lead", active=False)
    templating.add(template, nodes)
    document = json.loads(json.dumps(template_documents.export(template)))
    assert document["nodes"] == nodes

    template.active = False
    DriveStructureTemplate.objects.filter(pk=template.pk).update(name="Trip of before")
    body = ImportSerializer(data=document)
    body.is_valid(raise_exception=True)
    imported = template_documents.read(body.validated_data, None)

    assert template_documents.export(imported) == document


# --- One active template, whoever is at it ------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_managers_at_once_leave_one_active_template(
    api: Api, template: DriveStructureTemplate
) -> None:
    others = [
        DriveStructureTemplate.objects.create(name=f"T{n}", entity_type="contact", active=False)
        for n in range(4)
    ]
    clients = [api("manager") for _ in others]
    barrier, codes = threading.Barrier(len(others)), []

    def call(number: int) -> None:
        try:
            page = f"{ADDRESS}/{others[number].pk}"
            barrier.wait()
            for _ in range(3):
                codes.append(clients[number].patch(page, {"active": True}).status_code)
                body = {"name": f"New {number}", "entity_type": "contact", "active": True}
                made = clients[number].post(ADDRESS, body)
                codes.append(made.status_code)
                codes.append(clients[number].delete(page).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=call, args=(n,)) for n in range(len(others))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert DriveStructureTemplate.objects.active_for("contact").count() == 1
    assert set(codes) <= {200, 201, 204, 404, 409, 422}
    assert codes.count(200) >= len(others)


# --- Placeholders --------------------------------------------------------------------------------


def test_the_catalogue_is_that_of_the_reference_and_tells_what_each_means(api: Api) -> None:
    answer = api("sales").get(f"{ADDRESS}/placeholders")

    kinds = {row["entity_type"]: row for row in answer.json()["data"]}
    assert set(kinds) == {"company", "lead", "deal", "contact"}
    assert [one["name"] for one in kinds["lead"]["placeholders"]] == [
        *("lead_name", "trade_name", "company_name", "city", "state"),
        *("year", "month", "date", "entity_name", "entity_id", "owner_name"),
    ]
    assert all(one["meaning"] and one["example"] for one in kinds["deal"]["placeholders"])
    assert {one["type"] for one in kinds["lead"]["placeholders"]} == {"text", "number", "date"}
    assert kinds["lead"]["empty"] == "—"


@pytest.mark.parametrize(
    "name", ["{{ year", "year}}", "{year}", "{{year}", "{ lead_name }", "a }} b", "{{", "{{zz"]
)
def test_half_a_placeholder_is_refused(api: Api, templates: None, name: str) -> None:
    body = {"name": "Ours", "entity_type": "lead", "nodes": [{"name": name}]}

    answer = api("manager").post(ADDRESS, body)

    assert answer.status_code == 422
    assert "two braces" in answer.content.decode()


@pytest.mark.parametrize("name", ["{{year}} {x}", "a {1} b", "{{ year }}{{month}}", "} {"])
def test_other_braces_are_ordinary_characters(api: Api, templates: None, name: str) -> None:
    body = {"name": "Ours", "entity_type": "lead", "nodes": [{"name": name}]}

    assert api("manager").post(ADDRESS, body).status_code == 201
