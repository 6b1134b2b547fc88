"""A POST with a key: done once, answered as often as it is asked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient

from crm.models import Lead
from pipedesk.core.exceptions import TryLater
from pipedesk.core.models import StoredAnswer
from pipedesk.core.pruning import prune
from pipedesk.core.routing import route
from pipedesk.core.views import ContractView
from tests.factories.crm import LeadFactory

pytestmark = pytest.mark.django_db

Api = Callable[..., APIClient]
KEY = {"idempotency-key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}


def create(client: APIClient, name: str = "Alfa", **headers: str) -> Any:
    return client.post("/api/leads", {"legal_name": name}, headers={**KEY, **headers})


def test_the_same_request_again_answers_the_same_and_writes_nothing(api: Api) -> None:
    client = api("sales")

    first, second = create(client), create(client)

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    assert second["ETag"] == first["ETag"]
    assert second["Idempotency-Replayed"] == "true"
    assert Lead.objects.count() == 1


def test_the_key_with_another_body_is_422(api: Api) -> None:
    client = api("sales")
    create(client)

    answer = create(client, "Beta")

    assert answer.status_code == 422
    assert answer.json()["details"][0]["code"] == "key_reused"
    assert Lead.objects.count() == 1


def test_the_order_of_members_makes_no_other_body_but_another_address_does(api: Api) -> None:
    client = api("sales")
    body = {"legal_name": "Alfa", "trade_name": "A"}
    client.post("/api/leads", body, headers=KEY)

    swapped = dict(reversed(body.items()))
    assert client.post("/api/leads/", swapped, headers=KEY).status_code == 201
    assert client.post("/api/companies", {"name": "Alfa"}, headers=KEY).status_code == 422
    assert Lead.objects.count() == 1


def test_another_person_has_keys_of_their_own(api: Api) -> None:
    assert create(api("sales")).json()["id"] != create(api("sales")).json()["id"]


def test_a_refused_request_may_be_sent_again_with_its_key(api: Api) -> None:
    client = api("sales")

    assert create(client, "").status_code == 422
    assert create(client).status_code == 201
    assert StoredAnswer.objects.count() == 1


def test_after_a_day_the_key_is_free(api: Api) -> None:
    client = api("sales")
    create(client)
    StoredAnswer.objects.update(created_at=timezone.now() - timedelta(hours=24, seconds=1))

    assert create(client, "Beta").json()["legal_name"] == "Beta"


def test_old_answers_are_pruned_and_young_ones_kept(api: Api) -> None:
    client = api("sales")
    create(client)
    assert prune()["stored answers"] == 0
    StoredAnswer.objects.update(created_at=timezone.now() - timedelta(hours=25))

    assert prune(dry_run=True)["stored answers"] == 1
    assert prune()["stored answers"] == 1
    assert not StoredAnswer.objects.exists()


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "é"])
def test_a_bad_key_is_400(api: Api, key: str) -> None:
    answer = create(api("sales"), **{"idempotency-key": key})

    assert answer.status_code == 400
    assert not Lead.objects.exists()


def test_other_methods_know_no_keys(api: Api) -> None:
    client, lead = api("admin"), LeadFactory()

    for name in ("Alfa", "Beta"):
        client.patch(f"/api/leads/{lead.pk}", {"legal_name": name}, headers=KEY)

    lead.refresh_from_db()
    assert lead.title == "Beta"


def test_verbs_are_done_once_too(api: Api) -> None:
    client, lead = api("admin"), LeadFactory()
    body = {"new_company": {"name": "Alfa Ltda"}}

    first, second = (
        client.post(f"/api/leads/{lead.pk}/qualify", body, headers=KEY) for _ in range(2)
    )

    assert first.status_code == 200, first.json()
    assert second.json() == first.json()
    assert client.post(f"/api/leads/{lead.pk}/qualify", body).status_code == 409


@pytest.mark.django_db(transaction=True)
def test_the_same_request_ten_times_at_once_is_done_once(api: Api) -> None:
    client = api("sales")
    token = client._credentials
    answers: list[Any] = []

    def send() -> None:
        try:
            own = APIClient()
            own.credentials(**token)
            answers.append(create(own))
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert Lead.objects.count() == 1


class Asking(ContractView):
    """A view whose POST asks Google."""

    resource = "lead"
    calls_google = True
    outcome: ClassVar[Callable[[], object]]

    def post(self, request: Request) -> Response:
        assert connection.in_atomic_block is False
        return Response({"said": type(self).outcome()}, status=202)


urlpatterns = [route("api/asking", Asking.as_view())]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    calls: list[str] = []
    monkeypatch.setattr(
        Asking, "outcome", staticmethod(lambda: calls.append("x") or len(calls)), raising=False
    )
    return calls


@pytest.mark.urls(__name__)
@pytest.mark.django_db(transaction=True)
def test_what_asks_google_is_done_once_outside_any_transaction(api: Api, asked: list[str]) -> None:
    client = api("sales")

    answers = [client.post("/api/asking", {"a": 1}, headers=KEY) for _ in range(3)]

    assert [answer.json() for answer in answers] == [{"said": 1}] * 3
    assert [answer.status_code for answer in answers] == [202] * 3
    assert len(asked) == 1


@pytest.mark.urls(__name__)
@pytest.mark.django_db(transaction=True)
def test_while_the_first_is_at_work_the_second_is_409(api: Api, asked: list[str]) -> None:
    client = api("sales")
    client.post("/api/asking", {"a": 1}, headers=KEY)
    StoredAnswer.objects.update(answer=None)

    assert client.post("/api/asking", {"a": 1}, headers=KEY).status_code == 409
    assert client.post("/api/asking", {"a": 2}, headers=KEY).status_code == 422
    # It died: nobody is at work for minutes.
    StoredAnswer.objects.update(created_at=timezone.now() - timedelta(minutes=6))
    assert client.post("/api/asking", {"a": 1}, headers=KEY).json() == {"said": 2}


@pytest.mark.urls(__name__)
@pytest.mark.django_db(transaction=True)
def test_where_google_fails_the_key_is_given_back(
    api: Api, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = api("sales")

    def away() -> object:
        raise TryLater("away")

    with monkeypatch.context() as patch:
        patch.setattr(Asking, "outcome", staticmethod(away))
        assert client.post("/api/asking", {}, headers=KEY).status_code == 503

    assert not StoredAnswer.objects.exists()
    assert client.post("/api/asking", {}, headers=KEY).json() == {"said": 1}
