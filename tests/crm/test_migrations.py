"""The CRM's migrations lead there and back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import connection

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def whole() -> Iterator[None]:
    """Whatever happens, the other tests find every migration applied, of higher apps too."""
    yield
    call_command("migrate", verbosity=0)


def leads_indexes() -> set[str]:
    with connection.cursor() as cursor:
        return set(connection.introspection.get_constraints(cursor, "leads"))


@pytest.mark.usefixtures("whole")
def test_search_and_sort_indexes_go_and_come_back(is_postgres: bool) -> None:
    expected = {"idx_leads_open_last_interaction"}
    if is_postgres:
        expected |= {"idx_leads_legal_name_trigrams", "idx_leads_trade_name_trigrams"}
    assert expected <= leads_indexes()
    call_command("migrate", "crm", "0001", verbosity=0)
    assert not expected & leads_indexes()
    call_command("migrate", verbosity=0)
    assert expected <= leads_indexes()
