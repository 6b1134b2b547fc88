"""The base of record views, on a small API of leads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet
from pytest_django import DjangoAssertNumQueries
from rest_framework import serializers
from rest_framework.test import APIClient

from crm.models import Lead, LeadStatus
from pipedesk.accounts.models import User
from pipedesk.core.pagination import Key, Order
from pipedesk.core.query import Parameter, text
from pipedesk.core.routing import Router
from pipedesk.core.serializers import RecordSerializer
from pipedesk.core.viewsets import RecordViewSet
from tests.factories.accounts import UserFactory
from tests.factories.crm import LeadFactory, LeadStatusFactory

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

Api = Callable[..., APIClient]


class LeadSerializer(RecordSerializer[Lead]):
    aliases = {"title": "legal_name"}

    legal_name = serializers.CharField(source="title", max_length=500)

    class Meta:
        model = Lead
        fields = (
            "id", "legal_name", "trade_name", "priority_score", "last_interaction_at",
            "lead_status", "created_at",
        )  # fmt: skip
        read_only_fields = ("priority_score",)


class LeadViewSet(RecordViewSet):
    resource = "lead"
    queryset = Lead.objects.select_related("lead_status")
    serializer_class = LeadSerializer
    parameters: ClassVar[dict[str, tuple[Parameter, ...]]] = {"list": (text("legal_name"),)}

    def visible_to(self, user: User) -> QuerySet[Lead]:
        return super().visible_to(user).filter(deleted_at=None)

    def is_own(self, row: Lead) -> bool:
        return row.owner_id in (None, self.user.pk)

    def filter_rows(self, rows: Any) -> Any:
        return rows.filter(title=self.query["legal_name"]) if "legal_name" in self.query else rows

    def order(self) -> Order:
        return Order("name", (Key("title"), Key("id")))


class StatusSerializer(RecordSerializer[LeadStatus]):
    class Meta:
        model = LeadStatus
        fields = ("id", "code", "label", "priority_weight")


class StatusViewSet(RecordViewSet):
    resource = "lead_status"
    queryset = LeadStatus.objects.all()
    serializer_class = StatusSerializer


router = Router()
router.register("api/leads", LeadViewSet)
router.register("api/lead-statuses", StatusViewSet)
urlpatterns = router.urls
handler404 = "pipedesk.core.problems.not_found"


def test_a_list_is_ordered_filtered_and_paged(api: Api) -> None:
    for name in ("Beta", "Alfa", "Alfa"):
        LeadFactory(title=name)
    client = api("sales")

    everything = client.get("/api/leads").json()
    assert [row["legal_name"] for row in everything["data"]] == ["Alfa", "Alfa", "Beta"]
    assert client.get("/api/leads?legal_name=Beta").json()["pagination"]["total"] == 1


def test_a_new_row_answers_201_with_its_tag_and_what_the_database_has(api: Api) -> None:
    answer = api("sales").post("/api/leads", {"title": "Alfa"})

    assert answer.status_code == 201, answer.json()
    assert answer.json()["legal_name"] == "Alfa"
    assert answer["ETag"]
    assert Lead.objects.get().title == "Alfa"


def test_unknown_fields_are_422_with_the_nearest_name_and_write_nothing(api: Api) -> None:
    answer = api("admin").post("/api/leads", {"legal_name": "Alfa", "leagl_name": "x"})

    assert answer.status_code == 422
    assert answer.json()["details"] == [
        {
            "field": "leagl_name",
            "code": "unknown_field",
            "message": "There is no field “leagl_name” here. Did you mean “legal_name”?",
        }
    ]
    assert not Lead.objects.exists()


def test_no_field_outside_the_serializer_can_be_written(api: Api) -> None:
    lead = LeadFactory(title="Alfa", priority_score=7)
    client = api("admin")
    before = Lead.objects.filter(pk=lead.pk).values().get()
    names = [field.attname for field in Lead._meta.concrete_fields]

    for name in {*names, *(field.name for field in Lead._meta.get_fields()), "__class__"}:
        if name not in ("title", "trade_name", "last_interaction_at", "lead_status"):
            client.patch(f"/api/leads/{lead.pk}", {name: "1"})

    assert Lead.objects.filter(pk=lead.pk).values().get() == before


def test_read_only_fields_may_be_sent_back_and_change_nothing(api: Api) -> None:
    lead = LeadFactory(priority_score=7)
    client = api("admin")
    row = client.get(f"/api/leads/{lead.pk}").json()

    answer = client.patch(f"/api/leads/{lead.pk}", {**row, "priority_score": 99})

    assert answer.status_code == 200
    assert answer.json()["priority_score"] == 7


def test_an_alias_and_its_field_must_agree(api: Api) -> None:
    client = api("sales")

    assert client.post("/api/leads", {"title": "A", "legal_name": "A"}).status_code == 201
    assert client.post("/api/leads", {"title": "A", "legal_name": "B"}).status_code == 422


@pytest.mark.parametrize(
    ("moment", "status"),
    [
        ("2026-11-22T10:00:00-03:00", 200),
        ("2026-11-22T10:00:00", 422),
        ("2026-11-22", 422),
        ("9999-12-31T23:59:59-14:00", 422),
        ("2026-11-22T10:00:00-19:05", 422),
        ("0001-01-01T00:00:00+14:00", 422),
        (1732269600, 422),
        ({}, 422),
    ],
)
def test_times_need_an_offset_and_a_sane_range(api: Api, moment: Any, status: int) -> None:
    lead = LeadFactory()

    answer = api("admin").patch(f"/api/leads/{lead.pk}", {"last_interaction_at": moment})

    assert answer.status_code == status, answer.json()
    if status == 200:
        assert answer.json()["last_interaction_at"] == "2026-11-22T13:00:00Z"


def test_what_is_invisible_is_404_and_what_is_not_yours_403(api: Api) -> None:
    client = api("sales")
    hidden = LeadFactory(deleted=True)
    foreign = LeadFactory(owner=UserFactory())
    own = LeadFactory(owner=client.user)
    unowned = LeadFactory()

    def patch(lead: Lead) -> int:
        answer = client.patch(f"/api/leads/{lead.pk}", {"trade_name": "x"})
        return answer.status_code

    assert client.get(f"/api/leads/{hidden.pk}").status_code == 404
    assert patch(hidden) == 404
    assert client.get(f"/api/leads/{foreign.pk}").status_code == 200
    assert patch(foreign) == 403
    assert patch(own) == patch(unowned) == 200
    assert client.delete(f"/api/leads/{own.pk}").status_code == 403
    foreign.refresh_from_db()
    assert foreign.trade_name is None


@pytest.mark.parametrize("path", ["no-uuid", "1", "%00", "../me", "a" * 3000, "ffffffff"])
@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_an_id_that_cannot_exist_is_404(api: Api, path: str, method: str) -> None:
    answer = getattr(api("admin"), method)(f"/api/leads/{path}")

    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_only_the_wanted_fields_are_answered(api: Api) -> None:
    lead = LeadFactory()
    client = api("sales")

    assert list(client.get("/api/leads?fields=id,legal_name").json()["data"][0]) == [
        "id",
        "legal_name",
    ]
    assert "trade_name" not in client.get(f"/api/leads/{lead.pk}?omit=trade_name").json()
    unknown = client.get("/api/leads?fields=legal_nam")
    assert unknown.status_code == 400
    assert "“legal_name”" in unknown.json()["detail"]


def test_a_seen_row_is_304_until_it_changes(api: Api) -> None:
    lead = LeadFactory()
    client, address = api("sales"), f"/api/leads/{lead.pk}"
    tag = client.get(address)["ETag"]

    unchanged = client.get(address, headers={"if-none-match": tag})
    Lead.objects.filter(pk=lead.pk).update(trade_name="x")
    changed = client.get(address, headers={"if-none-match": tag})

    assert (unchanged.status_code, unchanged.content, unchanged["ETag"]) == (304, b"", tag)
    assert changed.status_code == 200
    assert changed["ETag"] != tag


def test_a_write_over_someone_elses_is_412_and_names_the_fields(api: Api) -> None:
    lead = LeadFactory()
    client, address = api("admin"), f"/api/leads/{lead.pk}"
    tag = client.get(address)["ETag"]
    Lead.objects.filter(pk=lead.pk).update(trade_name="x", priority_score=3)

    for late in (
        client.patch(address, {"legal_name": "Late"}, headers={"if-match": tag}),
        client.delete(address, headers={"if-match": tag}),
    ):
        assert late.status_code == 412
        fields = [detail["field"] for detail in late.json()["details"]]
        assert fields == ["trade_name", "priority_score"]
    lead.refresh_from_db()
    assert lead.title != "Late"


@pytest.mark.parametrize("header", ["*", "current"])
def test_a_write_over_what_was_seen_is_done(api: Api, header: str) -> None:
    lead = LeadFactory()
    client, address = api("admin"), f"/api/leads/{lead.pk}"
    tag = client.get(address)["ETag"] if header == "current" else header

    written = client.patch(address, {"legal_name": "Now"}, headers={"if-match": tag})

    assert written.status_code == 200
    assert client.get(address)["ETag"] == written["ETag"]


@pytest.mark.parametrize("header", ['"old"', "nonsense", 'W/"x"', "sparse"])
def test_a_tag_of_no_such_row_is_412(api: Api, header: str) -> None:
    lead = LeadFactory()
    client, address = api("admin"), f"/api/leads/{lead.pk}"
    tag = client.get(f"{address}?fields=id")["ETag"] if header == "sparse" else header

    answer = client.patch(address, {"legal_name": "x"}, headers={"if-match": tag})

    assert answer.status_code == 412


def test_a_row_in_use_stays_and_says_how_often_it_is_used(api: Api) -> None:
    status = LeadStatusFactory()
    LeadFactory.create_batch(3, lead_status=status)

    answer = api("admin").delete(f"/api/lead-statuses/{status.pk}")

    assert answer.status_code == 409
    assert answer.json()["details"] == [{"field": "leads", "code": "in_use", "message": "3"}]


def test_a_number_no_column_holds_is_422(api: Api) -> None:
    answer = api("admin").post(
        "/api/lead-statuses", {"code": "x", "label": "x", "priority_weight": 10**30}
    )

    assert answer.status_code == 422


@pytest.mark.parametrize("method", ["put", "options", "trace"])
def test_other_methods_are_405(api: Api, method: str) -> None:
    answer = api("admin").generic(method.upper(), "/api/leads")

    assert answer.status_code == 405
    assert answer.json()["code"] == "method_not_allowed"


@pytest.mark.parametrize("method", ["get", "post", "patch", "delete", "put"])
def test_a_slash_at_the_end_changes_nothing(api: Api, method: str) -> None:
    client, lead = api("admin"), LeadFactory()

    for address in ("/api/leads", f"/api/leads/{lead.pk}"):
        plain = getattr(client, method)(address, {})
        slashed = getattr(client, method)(f"{address}/", {})
        assert slashed.status_code in (plain.status_code, 404)
        assert (slashed.status_code == 404) == (method == "delete" and plain.status_code == 204)
    assert client.get("/api/leads//").status_code == 404


def test_a_list_needs_as_many_queries_for_many_rows(
    api: Api, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = api("sales")
    for count in (1, 49):
        LeadFactory.create_batch(count, lead_status=LeadStatusFactory())
        with django_assert_num_queries(3):  # user with role, count, page
            client.get("/api/leads?limit=100")


@pytest.mark.django_db(transaction=True)
def test_a_failed_write_leaves_nothing_behind(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def store_and_fail(view: RecordViewSet, serializer: Any) -> None:
        serializer.save()
        raise RuntimeError("secret detail")

    monkeypatch.setattr(LeadViewSet, "perform_create", store_and_fail)

    client = api("admin")
    client.raise_request_exception = False

    answer = client.post("/api/leads", {"legal_name": "Alfa"})

    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    assert b"secret" not in answer.content
    assert not Lead.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_writers_of_one_row_wait_for_each_other(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each sees the other's finished write: no change is lost between read and save."""
    lead = LeadFactory(priority_score=0)
    clients = [api("admin") for _ in range(4)]

    def add_one(view: RecordViewSet, serializer: Any) -> None:
        serializer.instance.priority_score += 1
        serializer.save()

    monkeypatch.setattr(LeadViewSet, "perform_update", add_one)

    def write(client: APIClient) -> None:
        try:
            for number in range(5):
                client.patch(f"/api/leads/{lead.pk}", {"trade_name": str(number)})
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    lead.refresh_from_db()
    assert lead.priority_score == 20
    assert not transaction.get_connection().in_atomic_block
