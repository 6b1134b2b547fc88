"""Text without case and accents, alike in Python and in the database."""

from __future__ import annotations

import pytest
from django.db import connection

from crm.folding import containing, fold
from crm.models import Lead
from tests.factories.crm import LeadFactory

pytestmark = pytest.mark.django_db

WORDS = (
    "Ação", "ÇÃO", "coração", "Zoë", "Ærø", "Straße", "Łódź", "Đorđe", "ÑANDÚ", "œuvre",
    "São João D'Água", "100% _x_ \\", "", "Þór",
)  # fmt: skip


@pytest.mark.parametrize("word", WORDS)
def test_the_database_folds_as_python_does(word: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pipedesk_fold(%s)", [word])
        assert cursor.fetchone()[0] == fold(word)


def test_nothing_stays_nothing() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pipedesk_fold(NULL)")
        assert cursor.fetchone()[0] is None
    assert fold(None) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [("ACAO", True), ("100% _", True), ("100_", False), ("0%0", False), ("\\", True), ("'", True)],
)
def test_only_ordinary_characters_are_searched_for(text: str, found: bool) -> None:
    LeadFactory(title="Ação 100% _ \\ d'água")
    assert Lead.objects.filter(containing(text, "title", "trade_name")).exists() == found


def test_postgres_searches_by_the_trigram_indexes(is_postgres: bool) -> None:
    if not is_postgres:
        pytest.skip("trigram indexes are PostgreSQL's")
    leads = Lead.objects.filter(containing("coracao", "title", "trade_name"))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = leads.explain()
    assert "idx_leads_legal_name_trigrams" in plan
    assert "idx_leads_trade_name_trigrams" in plan
