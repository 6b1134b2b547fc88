"""The work list of many leads: `python -m tests.bench worklist --full`.

Its first page beside every sort, filter, search and depth, and beside a small installation's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.db import connection

from crm.models import Lead, LeadOrigin, LeadStatus, Tag
from crm.sales_view import ORDERS
from pipedesk.accounts.models import User
from tests.bench.asking import client_of, list_of
from tests.bench.costs import Cost, typical
from tests.bench.running import Bench
from tests.figures import Figure

URL = "/api/leads/sales-view"
TIMES = 5
SEARCH_MS = 60.0


def measure(leads: int, small: int, rounds: int) -> Iterable[Figure]:
    """Figures of the work list of `leads`, beside one of `small`."""
    _seed(small)
    few = _cost({}, rounds)
    _seed(leads)
    first = _cost({}, rounds)
    yield Figure(f"first page of {leads:,} leads", 1000 * first.seconds, "ms")
    yield Figure("first page, ours", 1000 * first.cpu_s, "ms CPU")
    yield Figure("first page, database", 1000 * first.database_s, "ms CPU")
    yield Figure("first page, statements", first.statements)
    yield Figure(
        f"first page, CPU, against {small:,} leads", first.both_s / few.both_s, "×", at_most=1.3
    )
    for name in ORDERS:
        for order in (name, f"-{name}"):
            yield _against(first, f"order_by={order}", _cost({"order_by": order}, rounds))
    for query in _filters():
        name, value = next(iter(query.items()))
        shown = "…" if len(value) > 20 else value
        yield _against(first, f"{name}={shown}", _cost(query, rounds))
    for what, words in _words().items():
        found = _cost({"q": words}, rounds)
        yield Figure(f"search, a {what} word", 1000 * found.both_s, "ms CPU", at_most=SEARCH_MS)
    start = _cost({"cursor": ""}, rounds)
    yield _against(start, "a cursor amid the list", _cost(_amid(leads), rounds), at_most=1.1)
    far = {"page": str(max(leads // 25, 1))}
    yield _against(first, f"page {int(far['page']):,} by number", _cost(far, rounds), at_most=None)


def _against(first: Cost, name: str, other: Cost, at_most: float | None = 1.5) -> Figure:
    return Figure(
        f"{name}, CPU, against the first page", other.both_s / first.both_s, "×", at_most=at_most
    )


def _cost(query: Mapping[str, str], rounds: int) -> Cost:
    return typical(list_of(URL, query, role="admin"), rounds, times=TIMES)


def _seed(leads: int) -> None:
    call_command("seed_demo", "--leads", str(leads), "--no-progress", stdout=StringIO())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _filters() -> Iterable[dict[str, str]]:
    """One of each, with values that many rows have."""
    owner = User.objects.filter(pk__in=Lead.objects.values("owner")).order_by("email").first()
    status = LeadStatus.objects.order_by("sort_order").first()
    origin = LeadOrigin.objects.order_by("code").first()
    tag = Tag.objects.order_by("name").first()
    assert owner is not None
    assert status is not None
    assert origin is not None
    assert tag is not None
    yield {"owner": str(owner.pk)}
    yield {"status": str(status.code)}
    yield {"origin": str(origin.code)}
    yield {"tags": str(tag.pk)}
    yield {"priority": "warm"}
    yield {"min_priority_score": "40"}
    yield {"has_recent_interaction": "true"}
    yield {"has_recent_interaction": "false"}
    yield {"days_without_interaction": "30"}
    yield {"next_action": "send_follow_up,call_first_time"}
    yield {"disqualified": "true"}
    yield {"includeQualified": "true"}


def _words() -> dict[str, str]:
    """A word that one lead in thousands has, and one that many have."""
    titles = list(Lead.objects.alive().order_by("pk").values_list("title", flat=True)[:2000])
    counts: dict[str, int] = {}
    for title in titles:
        for word in {word for word in str(title).split() if len(word) >= 4}:
            counts[word] = counts.get(word, 0) + 1
    ordered = sorted(counts, key=lambda word: (counts[word], word))
    return {"rare": ordered[0], "common": ordered[-1]}


def _amid(leads: int) -> dict[str, str]:
    """The cursor of a page half way down, walked to."""
    client = client_of("admin")
    cursor: Any = ""
    for _ in range(max(leads // 200, 1)):
        answer = client.get(URL, {"cursor": cursor, "page_size": "100", "fields": "id"}).json()
        if answer["pagination"]["next_cursor"] is None:
            break
        cursor = answer["pagination"]["next_cursor"]
    return {"cursor": cursor}


BENCH = Bench(
    "The work list",
    measure,
    full={"leads": 100_000, "small": 1_000, "rounds": 7},
    short={"leads": 10_000, "small": 1_000, "rounds": 3},
)
