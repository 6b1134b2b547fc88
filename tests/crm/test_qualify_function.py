"""qualify_lead() in the database does what the API does, row for row."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from rest_framework.test import APIClient

from crm.announcements import announce
from crm.models import Announcement, Company, Lead, LeadStatus
from pipedesk.accounts.models import User
from pipedesk.audit.models import AuditLog
from tests.factories.accounts import UserFactory
from tests.factories.crm import (
    CompanyFactory,
    DealFactory,
    LeadActivityStatsFactory,
    LeadContactFactory,
    LeadFactory,
    LeadStatusFactory,
    LeadTagFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("only_postgres")]

Api = Callable[..., APIClient]
NOBODY = "00000000-0000-4000-8000-000000000000"
NO_DATA, CONFLICT, INVALID, NO_USER = "P0002", "55000", "22023", "23503"
# Another one each time (messages of the queue), or known to the API alone.
APART = {"request_id", "payload", "key", "lock"}


@pytest.fixture
def only_postgres(is_postgres: bool) -> None:
    if not is_postgres:
        pytest.skip("a function of PostgreSQL")


def call(lead_id: object, company: object, user: User | str | None) -> Any:
    user_id = user.pk if isinstance(user, User) else user
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT qualify_lead(%s::uuid, %s::jsonb, %s::uuid)",
            [lead_id and str(lead_id), json.dumps(company), user_id and str(user_id)],
        )
        answer = cursor.fetchone()[0]
        return json.loads(answer) if isinstance(answer, str) else answer


def failure_of(lead_id: object, company: object, user: User | str | None = None) -> tuple[str, str]:
    with pytest.raises(DatabaseError) as failed, transaction.atomic():
        call(lead_id, company, user)
    cause: Any = failed.value.__cause__
    return cause.pgcode, cause.diag.message_primary


def everything() -> dict[str, dict[Any, dict[str, Any]]]:
    return {
        model._meta.db_table: {
            json.dumps([str(row[name]) for name in keys_of(model)]): row
            for row in model._default_manager.values()
        }
        for model in apps.get_models()
    }


def keys_of(model: Any) -> list[str]:
    primary = model._meta.pk
    return list(getattr(primary, "field_names", [primary.attname]))


def moved(do: Callable[[], object], names: dict[str, str]) -> dict[str, list[Any]]:
    """The rows each table has more, or otherwise, after this; then all is as it was."""
    before = everything()
    mark = transaction.savepoint()
    do()
    after = everything()
    for company in Company.objects.filter(name="Nova SA"):
        names[str(company.pk)] = "the company"
    names[str(LeadStatus.objects.get(code="qualified").pk)] = "qualified"
    transaction.savepoint_rollback(mark)
    return {
        table: sorted(
            [plain(row, names) for key, row in rows.items() if before[table].get(key) != row],
            key=json.dumps,
        )
        for table, rows in after.items()
        if rows != before[table]
    }


def plain(value: Any, names: dict[str, str]) -> Any:
    """Without what is another one each time."""
    match value:
        case dict():
            own = APART | ({"id"} if isinstance(value.get("id"), int) else set())
            return {name: plain(one, names) for name, one in value.items() if name not in own}
        case list():
            return [plain(one, names) for one in value]
        case datetime():
            return "a moment"
        case uuid.UUID() | str():
            return names.get(str(value)) or without_moment(str(value))
    return value


def without_moment(text: str) -> str:
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return text
    # The API's spelling: in UTC, with an offset.
    return "a moment" if parsed.isoformat() == text and text.endswith("+00:00") else text


def plain_lead() -> Lead:
    return LeadFactory()


def full_lead() -> Lead:
    lead = LeadFactory(
        owner=UserFactory(),
        lead_status=LeadStatusFactory(),
        qualified_company=CompanyFactory(),
        qualified_master_deal=DealFactory(),
        manual_priority_score=50,
        manual_priority_at=timezone.now(),
    )
    LeadActivityStatsFactory(lead=lead, last_interaction_type="call", total_events=3)
    LeadContactFactory(lead=lead, is_primary=True)
    LeadTagFactory(lead=lead)
    return lead


def lead_called_qualified() -> Lead:
    return LeadFactory(lead_status=LeadStatus.objects.get(code="qualified"))


def lead_without_the_status() -> Lead:
    LeadStatus.objects.filter(code="qualified").delete()
    return LeadFactory()


@pytest.mark.parametrize("role", ["sales", "manager", "admin"])
@pytest.mark.parametrize(
    "make", [plain_lead, full_lead, lead_called_qualified, lead_without_the_status]
)
def test_every_row_of_every_table_is_what_the_api_makes_of_it(
    api: Api, make: Callable[[], Lead], role: str
) -> None:
    client, lead = api(role), make()
    if lead.owner and role == "sales":
        Lead.objects.filter(pk=lead.pk).update(owner=client.user)
    names = {str(lead.pk): "the lead", str(client.user.pk): "the user"}
    client.get(f"/api/leads/{lead.pk}")  # whatever a first request writes is written

    def by_api() -> None:
        body = {"new_company": {"name": " Nova SA "}}
        answer = client.post(f"/api/leads/{lead.pk}/qualify", body, format="json")
        assert answer.status_code == 200

    def by_function() -> None:
        call(lead.pk, {"name": " Nova SA "}, client.user)
        assert announce() == 2

    expected = moved(by_api, names)
    assert {"leads", "companies", "audit_logs", "drive_folder_trees"} <= set(expected)
    assert moved(by_function, names) == expected


def test_the_answer_says_all_that_moved() -> None:
    lead, user = full_lead(), UserFactory(role="sales")
    answer = call(lead.pk, {"legal_name": "Nova SA"}, user)
    lead.refresh_from_db()
    assert lead.qualified_at is not None
    assert answer == {
        "lead_id": str(lead.pk),
        "qualified_at": lead.qualified_at.isoformat(),
        "company": {"id": str(lead.qualified_company_id), "name": "Nova SA", "is_new": True},
        "deal": None,
        "contact_ids": [str(lead.contacts.get().pk)],
        "tag_ids": [str(lead.tags.get().pk)],
    }


def test_what_the_function_qualified_the_api_unqualifies(api: Api) -> None:
    lead = LeadFactory()
    call(lead.pk, {"name": "Nova SA"}, None)
    assert api("manager").post(f"/api/leads/{lead.pk}/unqualify").status_code == 200
    assert announce() == 2
    assert not Announcement.objects.exists()


@pytest.mark.parametrize(
    "company",
    [
        None,
        {},
        [],
        "Nova SA",
        {"name": None},
        {"name": ""},
        {"name": " \t\u00a0\u3000\n"},
        {"name": "x" * 501},
        {"name": " " + "x" * 500},
        {"name": True},
        {"name": 7},
        {"name": ["A"]},
        {"name": {"a": 1}},
        {"name": "A", "cnpj": "1"},
        {"name": "A", "title": "B"},
        {"name": None, "title": "B"},
    ],
    ids=[
        "null", "empty", "list", "text", "name null", "name empty", "blank", "long", "long as sent",
        "true", "number", "name list", "name object", "unknown", "twice", "null and name",
    ],
)  # fmt: skip
def test_what_the_api_refuses_the_function_refuses(api: Api, company: object) -> None:
    lead = LeadFactory()
    body = {"new_company": company}
    answer = api("admin").post(f"/api/leads/{lead.pk}/qualify", body, format="json")
    assert answer.status_code == 422
    code, message = failure_of(lead.pk, company)
    assert code == INVALID
    assert message.startswith("p_new_company_data: ")
    assert not Company.objects.exists()
    assert not Announcement.objects.exists()


@pytest.mark.parametrize(
    "company",
    [
        {"name": " \u2003Ação\u0085"},
        {"legal_name": "A"},
        {"title": "A"},
        {"name": "A", "legal_name": "A"},
        {"name": "x" * 500},
    ],
    ids=["trimmed", "legal_name", "title", "same twice", "500"],
)
def test_what_the_api_takes_the_function_takes_alike(api: Api, company: Any) -> None:
    lead, other = LeadFactory.create_batch(2)
    body = {"p_new_company_data": company}
    answer = api("admin").post(f"/api/leads/{lead.pk}/qualify", body, format="json")
    assert call(other.pk, company, None)["company"]["name"] == answer.json()["company"]["name"]


def test_a_lead_nobody_can_see_does_not_exist() -> None:
    assert failure_of(NOBODY, {"name": "A"})[0] == NO_DATA
    assert failure_of(None, {"name": "A"})[0] == NO_DATA
    assert failure_of(LeadFactory(deleted=True).pk, {"name": "A"})[0] == NO_DATA
    merged = LeadFactory(qualified=True, merged_into=LeadFactory())
    assert failure_of(merged.pk, {"name": "A"})[0] == NO_DATA


def test_a_decided_lead_says_by_whom_and_to_what(api: Api) -> None:
    client, lead = api("manager", user=UserFactory(name="Ana")), LeadFactory()
    client.post(
        f"/api/leads/{lead.pk}/qualify", {"new_company": {"name": "Nova SA"}}, format="json"
    )
    code, message = failure_of(lead.pk, {"name": "B"})
    assert (code, message[:24]) == (CONFLICT, "Already qualified by Ana")
    assert "Nova SA" in message
    given_up = LeadFactory()
    client.post(f"/api/leads/{given_up.pk}/disqualify", {"reason": "No budget"}, format="json")
    code, message = failure_of(given_up.pk, {"name": "B"})
    assert (code, message[:19]) == (CONFLICT, "Disqualified by Ana")
    assert message.endswith("No budget")
    assert failure_of(LeadFactory(qualified=True).pk, {"name": "B"})[1].endswith("to –.")


def test_the_user_is_one_of_ours_and_active_or_nobody() -> None:
    lead = LeadFactory()
    assert failure_of(lead.pk, {"name": "A"}, NOBODY)[0] == NO_USER
    assert failure_of(lead.pk, {"name": "A"}, UserFactory(locked=True))[0] == NO_USER
    call(lead.pk, {"name": "A"}, None)
    lead.refresh_from_db()
    assert lead.owner is None
    assert AuditLog.objects.get(action="qualify_lead").user_id is None


def test_tables_of_the_callers_own_are_not_mistaken_for_ours() -> None:
    lead = LeadFactory()
    with connection.cursor() as cursor:
        for table in ("companies", "audit_logs", "leads", "lead_statuses"):
            cursor.execute(f"CREATE TEMPORARY TABLE {table} (LIKE public.{table} INCLUDING ALL)")
        cursor.execute("SET LOCAL search_path = pg_temp, public")
        cursor.execute(
            """SELECT public.qualify_lead(%s::uuid, '{"name": "A"}', NULL)""", [str(lead.pk)]
        )
        cursor.execute("SET LOCAL search_path = public")
        cursor.execute("SELECT count(*) FROM public.companies")
        assert cursor.fetchone() == (1,)
        cursor.execute("SELECT prosecdef FROM pg_proc WHERE proname = 'qualify_lead'")
        assert cursor.fetchall() == [(False,)]


@pytest.mark.django_db(transaction=True)
def test_of_the_api_and_the_function_at_once_one_wins(api: Api) -> None:
    client, start = api("manager"), threading.Barrier(2)
    lead = LeadFactory()
    outcomes: list[object] = []

    def by_api() -> None:
        body = {"new_company": {"name": "By API"}}
        start.wait(timeout=20)
        answer = client.post(f"/api/leads/{lead.pk}/qualify", body, format="json")
        outcomes.append({200: "won", 409: "told"}.get(answer.status_code, answer.content))

    def by_function() -> None:
        start.wait(timeout=20)
        try:
            call(lead.pk, {"name": "By function"}, None)
        except DatabaseError as failure:
            cause: Any = failure.__cause__
            outcomes.append("told" if cause.pgcode == CONFLICT else failure)
        else:
            outcomes.append("won")

    def run(side: Callable[[], None]) -> None:
        try:
            side()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(side,)) for side in (by_api, by_function)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(map(str, outcomes)) == ["told", "won"]
    assert Company.objects.count() == 1
    assert AuditLog.objects.filter(action="qualify_lead").count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_migration_leads_there_and_back() -> None:
    def exists() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_proc WHERE proname = 'qualify_lead'")
            return bool(cursor.fetchone()[0])

    try:
        call_command("migrate", "crm", "0003", verbosity=0)
        assert not exists()
    finally:
        call_command("migrate", verbosity=0)
    assert exists()
