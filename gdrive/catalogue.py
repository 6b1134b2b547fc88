"""The placeholders of folder names, described for people: type, meaning, example. Pure.

Which of them a kind of record has stands in gdrive/reference.json; an empty value shows as an
em dash (gdrive.placeholders.EMPTY).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from gdrive.placeholders import CATALOGUE, REFERENCE

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

TEXT, NUMBER, DATE = "text", "number", "date"


@dataclass(frozen=True)
class Placeholder:
    """One placeholder. `kind` is `text`, `number` (digits only) or `date` (ISO 8601)."""

    name: str
    kind: str
    meaning: _StrPromise
    example: str

    @property
    def typed(self) -> str:
        """How it is written in a name."""
        return f"{{{{{self.name}}}}}"


_EVERY: Final = (
    Placeholder("year", NUMBER, _("Year in which the folders were asked for"), "2026"),
    Placeholder("month", NUMBER, _("Month in which the folders were asked for"), "03"),
    Placeholder("date", DATE, _("Day on which the folders were asked for"), "2026-03-09"),
    Placeholder("entity_name", TEXT, _("Name of the record, whatever its kind"), "Aurora"),
    Placeholder("entity_id", TEXT, _("Id of the record"), "6f1c8a52-3c1b-4a55-9d0e-0d7f0f3f3a11"),
    Placeholder("owner_name", TEXT, _("Who owns the lead, or the record's first lead"), "Ana"),
    Placeholder("company_name", TEXT, _("Name of the company"), "Aurora Participações S.A."),
    Placeholder("lead_name", TEXT, _("Legal name of the lead"), "Aurora Incorporadora Ltda."),
    Placeholder("trade_name", TEXT, _("Trade name of the lead"), "Aurora"),
    Placeholder("city", TEXT, _("City of the lead"), "São Paulo"),
    Placeholder("state", TEXT, _("State of the lead"), "SP"),
    Placeholder("deal_name", TEXT, _("Client name of the deal"), "Torre Norte"),
    Placeholder("contact_name", TEXT, _("Name of the contact"), "Bia Nunes"),
    Placeholder("contact_role", TEXT, _("Role of the contact"), "Diretora"),
)
DESCRIBED: Final[Mapping[str, Placeholder]] = {one.name: one for one in _EVERY}


def of(entity_type: str) -> list[Placeholder]:
    """The placeholders of a kind of record: its own first, then those of every kind."""
    if entity_type not in CATALOGUE:
        return []
    names = REFERENCE["placeholders"]
    return [DESCRIBED[name] for name in (*names[entity_type], *names["all"])]


def examples(entity_type: str) -> dict[str, str]:
    """Values to show a template with where there is no record yet."""
    return {one.name: one.example for one in of(entity_type)}
