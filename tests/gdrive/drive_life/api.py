"""People at the API: files in records' folders, and folder templates."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import strategies as st
from hypothesis.stateful import rule

from gdrive.models import DriveStructureTemplate
from tests.gdrive.drive_life.life import Life, fatal, kinds, names, numbers


class PeopleAtTheApi(Life):
    """Each request may be the one during which the process dies."""

    def _shown(self, number: int, which: int) -> tuple[str, list[dict[str, Any]]] | None:
        """A record's address and what its folder shows."""
        record = self.record(number)
        if record is None:
            return None
        address = f"/api/drive/{record[0]}/{record[1]}"
        answer = self.desk.ask("get", f"{address}?include_deleted=true")
        files = answer["files"] if answer else []
        return address, files[which % len(files) :] + files[: which % len(files)] if files else []

    @rule(number=numbers, which=numbers, name=names, fatal=fatal)
    def api_rename(self, number: int, which: int, name: str, fatal: int) -> None:
        """PUT …/rename."""
        if (shown := self._shown(number, which)) and shown[1]:
            address = f"{shown[0]}/files/{shown[1][0]['id']}/rename"
            self.desk.ask("put", address, {"name": name}, fatal=fatal)

    @rule(number=numbers, which=numbers, fatal=fatal)
    def api_move(self, number: int, which: int, fatal: int) -> None:
        """PUT …/move into a neighbouring folder."""
        if (shown := self._shown(number, which)) and shown[1]:
            folders = [each["id"] for each in shown[1][1:] if each["type"] == "folder"]
            if folders:
                address = f"{shown[0]}/files/{shown[1][0]['id']}/move"
                body = {"destination_parent_id": folders[0]}
                self.desk.ask("put", address, body, fatal=fatal)

    @rule(number=numbers, which=numbers, verb=st.sampled_from(["delete", "restore"]), fatal=fatal)
    def api_delete_and_restore(self, number: int, which: int, verb: str, fatal: int) -> None:
        """DELETE and POST …/restore."""
        if (shown := self._shown(number, which)) and shown[1]:
            file = shown[1][0]
            address = f"{shown[0]}/{file['type']}s/{file['id']}"
            if verb == "delete":
                self.desk.ask("delete", address, fatal=fatal)
            else:
                self.desk.ask("post", f"{address}/restore", fatal=fatal)

    @rule(number=numbers, name=names, fatal=fatal)
    def api_create(self, number: int, name: str, fatal: int) -> None:
        """POST …/folder."""
        if record := self.record(number):
            address = f"/api/drive/{record[0]}/{record[1]}/folder"
            self.desk.ask("post", address, {"name": self.new_name(name)}, fatal=fatal)

    @rule(number=numbers, name=names, fatal=fatal)
    def api_upload(self, number: int, name: str, fatal: int) -> None:
        """POST …/upload."""
        if record := self.record(number):
            address = f"/api/drive/{record[0]}/{record[1]}/upload"
            file = SimpleUploadedFile(f"{self.new_name('f')}.txt", b"content", "text/plain")
            self.desk.ask("upload", address, {"file": file}, fatal=fatal)

    @rule(number=numbers, which=numbers, role=st.sampled_from(["reader", "writer"]), fatal=fatal)
    def api_share(self, number: int, which: int, role: str, fatal: int) -> None:
        """POST …/permissions."""
        if (shown := self._shown(number, which)) and shown[1]:
            address = f"{shown[0]}/files/{shown[1][0]['id']}/permissions"
            body = {"type": "user", "role": role, "emailAddress": "bob@pipedesk.example"}
            self.desk.ask("post", address, body, fatal=fatal)

    @rule(number=numbers, verb=st.sampled_from(["provision", "repair"]))
    def api_ask(self, number: int, verb: str) -> None:
        """POST …/provision and …/repair."""
        if record := self.record(number):
            self.desk.ask("post", f"/api/drive/{record[0]}/{record[1]}/{verb}")

    # --- Templates ----------------------------------------------------------------------------

    def _template(self, kind: str) -> tuple[str, list[dict[str, Any]]]:
        """The address of the active template, and its folders."""
        template = DriveStructureTemplate.objects.active_for(kind).get()
        address = f"/api/drive/templates/{template.pk}"
        answer = self.desk.ask("get", address)
        return address, answer["nodes"] if answer else []

    @rule(kind=kinds, name=names, how=st.sampled_from(["rename", "add", "nest", "lift", "drop"]))
    def edit_template(self, kind: str, name: str, how: str) -> None:
        """PATCH …/templates/{id}: another folder, or one elsewhere."""
        address, nodes = self._template(kind)
        if how == "add":
            nodes.append({"name": self.new_name(name)})
        elif how == "rename" and nodes:
            nodes[0]["name"] = self.new_name(name)
        elif how == "nest" and len(nodes) > 1:
            nodes[0]["children"].append(nodes.pop())
        elif how == "lift" and nodes and nodes[0]["children"]:
            nodes.append(nodes[0]["children"].pop())
        elif how == "drop" and len(nodes) > 1:
            nodes.pop(0)
        self.desk.ask("patch", address, {"nodes": nodes})

    @rule(kind=kinds, fatal=fatal)
    def apply_template(self, kind: str, fatal: int) -> None:
        """POST …/plan and …/apply, so that records there are follow."""
        address, _ = self._template(kind)
        plan = self.desk.ask("post", f"{address}/plan", {}, fatal=fatal)
        if plan:
            self.desk.ask("post", f"{address}/apply", {"plan_id": plan["id"]}, fatal=fatal)
