"""Who else may open a file: permissions, given, changed and taken one by one.

Of two changes at the same time Drive keeps the last, so a file's act (gdrive.acts) is held
from reading its permissions to writing one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.http import Http404
from django.utils.translation import gettext as _

from gdrive import acts, permission_client, refusals
from gdrive.files import check_present
from gdrive.models import DriveChangeLog, DriveFile, DriveFileAct, DriveFolder
from gdrive.permission_client import Permission
from pipedesk.core.exceptions import Conflict, InvalidInput
from pipedesk.core.work import Lease
from pipedesk.google.errors import InvalidRequest, NotFound

OWNER: Final = "owner"
ROLES: Final = ("reader", "commenter", "writer")
LINKS: Final = ("domain", "anyone")
TYPES: Final = ("user", "group", *LINKS)


@dataclass(frozen=True)
class Wanted:
    """A permission to be given. `address` as in Permission."""

    kind: str
    role: str
    address: str = ""
    notify: bool = False


@dataclass(frozen=True)
class Sharing:
    """A file whose permissions somebody changes, and the entity's folder it lies in."""

    file: DriveFile
    home: DriveFolder
    by: str | None

    def give(self, wanted: Wanted) -> tuple[Permission, bool]:
        """Let somebody in; answers the permission, and whether it is a new one.

        Who has another role gets this one. Raises Conflict for the owner, InvalidInput for a
        link where links are not allowed, and for an address Drive does not share with.
        """
        check_kind(wanted.kind)
        with self._begun() as act:
            before = act.of(wanted.kind, wanted.address)
            if before is None:
                return act.create(wanted), True
            return act.change(before, wanted.role), False

    def change(self, permission_id: str, role: str) -> Permission:
        """Give a permission another role. Raises Http404, Conflict, InvalidInput."""
        with self._begun() as act:
            before = act.get(permission_id)
            check_kind(before.kind)
            return act.change(before, role)

    def take(self, permission_id: str) -> None:
        """Take a permission away. Raises Http404, Conflict."""
        with self._begun() as act:
            act.delete(act.get(permission_id))

    @contextmanager
    def _begun(self) -> Iterator[_Act]:
        check_present(self.file)
        row = DriveFileAct(
            file_id=self.file.file_id,
            verb=DriveFileAct.Verb.SHARE,
            entity_type=self.home.entity_type,
            entity_id=self.home.entity_id,
            user_id=self.by,
        )
        with acts.begun(row) as lease:
            yield _Act(self.file, row, lease, listed(self.file))


def listed(file: DriveFile) -> list[Permission]:
    """Who may do what with the file, as Drive says now. Raises what gdrive.refusals says."""
    with refusals.translated(file):
        return permission_client.list_permissions(file.file_id)


def check_kind(kind: str) -> None:
    """Refuse links where the product does not allow them. Raises InvalidInput."""
    if kind in LINKS and not settings.DRIVE_ALLOW_LINK_SHARING:
        message = _("Here files are shared with persons and groups only.")
        raise InvalidInput("type", message, "links_not_allowed")


@dataclass(frozen=True)
class _Act:
    """A change of one permission under way, with the permissions there were."""

    file: DriveFile
    row: DriveFileAct
    lease: Lease
    permissions: list[Permission]

    def get(self, permission_id: str) -> Permission:
        for permission in self.permissions:
            if permission.permission_id == permission_id:
                return permission
        raise Http404

    def of(self, kind: str, address: str) -> Permission | None:
        return _find(self.permissions, kind, address)

    def create(self, wanted: Wanted) -> Permission:
        self._intend(None, Permission("", wanted.kind, wanted.role, wanted.address))
        with refusals.translated(self.file):
            try:
                given = permission_client.create_permission(
                    self.file.file_id,
                    wanted.kind,
                    wanted.role,
                    wanted.address,
                    notify=wanted.notify,
                )
            except InvalidRequest as failure:
                given = self._given_all_the_same(wanted, failure)
        self._end(None, given)
        return given

    def change(self, before: Permission, role: str) -> Permission:
        self._not_the_owner(before)
        if before.role == role:
            acts.drop(self.lease)
            return before
        self._intend(before, Permission(before.permission_id, before.kind, role, before.address))
        with self._still_there():
            after = permission_client.update_permission(
                self.file.file_id, before.permission_id, role
            )
        self._end(before, after)
        return after

    def delete(self, before: Permission) -> None:
        self._not_the_owner(before)
        self._intend(before, None)
        with self._still_there():
            permission_client.delete_permission(self.file.file_id, before.permission_id)
        self._end(before, None)

    def _given_all_the_same(self, wanted: Wanted, failure: InvalidRequest) -> Permission:
        """Drive's "invalid" may mean: shared, but the e-mail could not be sent.

        https://developers.google.com/workspace/drive/api/guides/handle-errors
        """
        if failure.reason != "invalidSharingRequest":
            raise failure
        self.lease.write()
        now = permission_client.list_permissions(self.file.file_id)
        found = _find(now, wanted.kind, wanted.address)
        if found is None or found.role != wanted.role:
            message = _("Drive does not share with this address.")
            raise InvalidInput("emailAddress", message, "invalid_address") from failure
        return found

    @contextmanager
    def _still_there(self) -> Iterator[None]:
        """The file was there a moment ago: what is missing now is the permission."""
        with refusals.translated(self.file):
            try:
                yield
            except NotFound as failure:
                raise Http404 from failure

    def _not_the_owner(self, permission: Permission) -> None:
        if permission.role == OWNER:
            raise Conflict(_("The owner's permission stays as it is."))

    def _intend(self, before: Permission | None, after: Permission | None) -> None:
        """Write down what is to be, so that it can be told from what Drive shows later."""
        wanted = {
            "before": asdict(before) if before else None,
            "after": asdict(after) if after else None,
        }
        self.lease.write(wanted=wanted)

    def _end(self, before: Permission | None, after: Permission | None) -> None:
        _write(self.lease, self.row, before, after)


@acts.settles(DriveFileAct.Verb.SHARE)
def settle(lease: Lease, act: DriveFileAct) -> None:
    """Write down a change of a permission that went through in Drive; drop one that did not."""
    if act.wanted is None:  # Drive was only asked what there is
        acts.drop(lease)
        return
    before, after = (_stored(act.wanted[name]) for name in ("before", "after"))
    meant = after or before
    try:
        permissions = permission_client.list_permissions(act.file_id)
    except NotFound:
        acts.drop(lease)
        return
    now = _find(permissions, meant.kind, meant.address) if meant else None
    if (now and now.role) == (after and after.role):
        _write(lease, act, before, now)
    else:
        acts.drop(lease)


def _write(
    lease: Lease, act: DriveFileAct, before: Permission | None, after: Permission | None
) -> None:
    """The change in the history of the record, and in the log of changes."""
    name = DriveFile.objects.values_list("name", flat=True).get(file_id=act.file_id)
    values = [str(each) if each else None for each in (before, after)]
    with transaction.atomic():
        changes: dict[str, Any] = {"file": (name, name), "permission": tuple(values)}
        acts.end(lease, act, "file_shared" if after else "file_unshared", changes)
        DriveChangeLog.objects.create(
            changed_resource_id=act.file_id,
            event_type="shared" if after else "unshared",
            details={"permission": values},
        )


def _find(permissions: list[Permission], kind: str, address: str) -> Permission | None:
    for each in permissions:
        if (each.kind, each.address.lower()) == (kind, address.lower()):
            return each
    return None


def _stored(values: dict[str, str] | None) -> Permission | None:
    return Permission(**values) if values else None
