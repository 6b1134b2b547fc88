"""People at the CRM: records come, change their names, become others and go."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.gdrive.drive_life.life import ADDRESSES, NAMED, Life, kinds, names, numbers


class PeopleAtTheDesk(Life):
    """What moves and renames folders because records are what they are."""

    @rule(kind=kinds, name=names, company=numbers)
    def create(self, kind: str, name: str, company: int) -> None:
        """A new record."""
        body: dict[str, Any] = {NAMED[kind]: name}
        above = self.record(company, "company")
        if kind == "deal" and above and company % 2:
            body["company_id"] = above[1]
        self.add(kind, body)

    @rule(number=numbers, name=names)
    def rename(self, number: int, name: str) -> None:
        """Another name for a record."""
        if record := self.record(number):
            kind, pk = record
            self.desk.ask("patch", f"/api/{ADDRESSES[kind]}/{pk}", {NAMED[kind]: name})

    @rule(number=numbers, company=numbers, with_deal=st.booleans())
    def qualify(self, number: int, company: int, with_deal: bool) -> None:
        """A lead became a company's, perhaps with a deal."""
        lead, target = self.record(number, "lead"), self.record(company, "company")
        if lead and target:
            body: dict[str, Any] = {"company_id": target[1]}
            if with_deal:
                body["new_deal"] = {"title": "Deal"}
            answer = self.desk.ask("post", f"/api/leads/{lead[1]}/qualify", body)
            if answer and answer.get("deal"):
                self.records.append(("deal", answer["deal"]["id"]))

    @rule(number=numbers)
    def unqualify(self, number: int) -> None:
        """It was a lead after all."""
        if lead := self.record(number, "lead"):
            self.desk.ask("post", f"/api/leads/{lead[1]}/unqualify")

    @rule(number=numbers, other=numbers, kind=st.sampled_from(["lead", "company", "contact"]))
    def merge(self, number: int, other: int, kind: str) -> None:
        """Two that were one."""
        kept, gone = self.record(number, kind), self.record(other, kind)
        if kept and gone and kept != gone:
            address = f"/api/{ADDRESSES[kind]}/{kept[1]}/merge"
            self.desk.ask("post", address, {"other_id": gone[1]})

    @rule(number=numbers, verb=st.sampled_from(["unmerge", "restore", "delete", "restore"]))
    def delete_and_back(self, number: int, verb: str) -> None:
        """Hidden, shown again, taken apart again."""
        if record := self.record(number):
            address = f"/api/{ADDRESSES[record[0]]}/{record[1]}"
            if verb == "delete":
                self.desk.ask("delete", address)
            else:
                self.desk.ask("post", f"{address}/{verb}")
