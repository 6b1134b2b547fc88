"""Every error has the contract's shape and says nothing about our insides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from django.core import exceptions as django_errors
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, transaction
from django.http import Http404
from django.urls import path
from rest_framework.request import Request
from rest_framework.test import APIClient

from pipedesk.accounts.models import User, UserRole
from pipedesk.core.exceptions import Conflict, GiveUp, InvalidInput, TryLater
from pipedesk.core.problems import BadQuery
from pipedesk.core.routing import route
from pipedesk.core.views import ContractView
from tests.factories.accounts import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

Api = Callable[..., APIClient]

MEMBERS = {"type", "title", "status", "detail", "error", "code", "message", "details"}
SECRET = "SELECT password FROM users"


class Failing(ContractView):
    resource = "me"
    role_actions: ClassVar[dict[str, str]] = {"post": "view"}
    failure: ClassVar[Exception] = Exception()

    def get(self, request: Request) -> Any:
        raise self.failure

    post = get


def plain(request: Any) -> Any:
    raise Failing.failure


urlpatterns = [
    route("api/failing", Failing.as_view()),
    route("api/plain", plain),
    path("page", plain),
]
handler400 = "pipedesk.core.problems.bad_request"
handler403 = "pipedesk.core.problems.forbidden"
handler404 = "pipedesk.core.problems.not_found"
handler500 = "pipedesk.core.problems.server_error"


@pytest.fixture
def fail(api: Api, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    client = api("")
    client.raise_request_exception = False

    def call(failure: Exception, method: str = "get", address: str = "/api/failing") -> Any:
        monkeypatch.setattr(Failing, "failure", failure)
        return getattr(client, method)(address)

    return call


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (Conflict("Qualified already.", by="Ana"), 409, "conflict"),
        (InvalidInput("name", "Too long."), 422, "validation_error"),
        (TryLater(SECRET), 503, "google_unavailable"),
        (GiveUp(SECRET), 503, "google_unavailable"),
        (BadQuery("sort", "No such sort.", "name"), 400, "bad_request"),
        (Http404(SECRET), 404, "not_found"),
        (User.DoesNotExist(SECRET), 404, "not_found"),
        (django_errors.PermissionDenied(SECRET), 403, "forbidden"),
        (django_errors.SuspiciousOperation(SECRET), 400, "bad_request"),
        (django_errors.BadRequest(SECRET), 400, "bad_request"),
        (django_errors.RequestDataTooBig(SECRET), 413, "payload_too_large"),
        (django_errors.ValidationError("No."), 422, "validation_error"),
        (IntegrityError(SECRET), 409, "conflict"),
        (DataError(SECRET), 400, "bad_request"),
        (OverflowError(SECRET), 400, "bad_request"),
        (OperationalError(SECRET), 503, "unavailable"),
        (InterfaceError(SECRET), 503, "unavailable"),
        (ValueError(SECRET), 500, "internal_error"),
        (RuntimeError(SECRET), 500, "internal_error"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_every_failure_has_the_same_shape(
    fail: Callable[..., Any], failure: Exception, status: int, code: str
) -> None:
    answer = fail(failure)

    problem = answer.json()
    assert answer.status_code == problem["status"] == status
    assert answer["Content-Type"] == "application/problem+json"
    assert problem.keys() == MEMBERS
    assert problem["code"] == code
    assert problem["error"] == problem["message"] == problem["detail"] != ""
    assert SECRET not in answer.content.decode()
    assert "Traceback" not in answer.content.decode()


def test_a_conflict_tells_who_when_and_what(fail: Callable[..., Any]) -> None:
    when = datetime(2026, 11, 22, 10, tzinfo=UTC)

    problem = fail(Conflict("Qualified already.", by="Ana", at=when, deal=None)).json()

    assert problem["detail"] == "Qualified already."
    assert problem["details"] == [
        {"field": "by", "code": "conflict", "message": "Ana"},
        {"field": "at", "code": "conflict", "message": "2026-11-22T10:00:00+00:00"},
        {"field": "deal", "code": "conflict", "message": ""},
    ]


def test_a_fault_of_a_value_names_the_field(fail: Callable[..., Any]) -> None:
    problem = fail(InvalidInput("end_time", "Ends before it starts.", "order")).json()

    assert problem["details"] == [
        {"field": "end_time", "code": "order", "message": "Ends before it starts."}
    ]


def test_model_validation_names_its_fields(fail: Callable[..., Any]) -> None:
    problem = fail(django_errors.ValidationError({"name": ["Too long.", "Too loud."]})).json()

    assert [detail["field"] for detail in problem["details"]] == ["name", "name"]


@pytest.mark.parametrize(("asked_s", "header"), [(None, "30"), (0.2, "1"), (90, "90")])
def test_google_away_says_when_to_come_back(
    fail: Callable[..., Any], asked_s: float | None, header: str
) -> None:
    assert fail(TryLater("x", asked_s))["Retry-After"] == header


def test_a_value_out_of_range_in_a_body_is_422(fail: Callable[..., Any]) -> None:
    assert fail(DataError(SECRET), "post").status_code == 422


def test_a_broken_unique_rule_speaks_for_itself(fail: Callable[..., Any]) -> None:
    user = UserFactory(role="sales")
    with pytest.raises(IntegrityError) as failure, transaction.atomic():
        UserRole.objects.create(user_id=str(user.pk), role="sales")

    answer = fail(failure.value)

    assert answer.status_code == 409
    assert answer.json()["detail"] == "This user has this role already."


def test_a_broken_rule_of_an_expression_speaks_for_itself(fail: Callable[..., Any]) -> None:
    UserFactory(email="ana@pipedesk.example")
    with pytest.raises(IntegrityError) as failure, transaction.atomic():
        UserFactory(email="ANA@pipedesk.example")

    answer = fail(failure.value)

    assert answer.status_code == 409
    assert answer.json()["detail"] == "A user with this e-mail exists already."


def test_a_broken_check_is_a_fault_of_the_body(fail: Callable[..., Any]) -> None:
    with pytest.raises(IntegrityError) as failure, transaction.atomic():
        UserRole.objects.create(user_id="x", role="king")

    answer = fail(failure.value)

    assert answer.status_code == 422
    assert answer.json()["details"][0]["message"] == "The role is admin, manager or sales."


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (RuntimeError(SECRET), 500),
        (Http404(SECRET), 404),
        (django_errors.PermissionDenied(SECRET), 403),
        (django_errors.SuspiciousOperation(SECRET), 400),
    ],
)
def test_views_outside_the_framework_answer_alike_below_api(
    fail: Callable[..., Any], failure: Exception, status: int
) -> None:
    answer = fail(failure, address="/api/plain")

    assert answer.status_code == status
    assert answer.json().keys() == MEMBERS
    assert SECRET not in answer.content.decode()
    assert fail(failure, address="/page")["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("address", ["/api", "/api/", "/api/nothing", "/api/nothing/at/all/"])
@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options"])
def test_unmatched_addresses_below_api_are_problems(api: Api, address: str, method: str) -> None:
    answer = getattr(api(None), method)(address)

    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_nobody_is_401_and_is_asked_for_a_bearer_token(api: Api) -> None:
    answer = api(None).get("/api/failing")

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer.json()["code"] == "unauthorized"
