"""The role table as Django groups: what staff may do in the admin."""

from __future__ import annotations

from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.db import transaction

from pipedesk.accounts import roles
from pipedesk.accounts.models import User, UserRole

# What an action of the table is called among Django's permissions.
CODENAMES = {
    roles.VIEW: "view",
    roles.ADD: "add",
    roles.CHANGE: "change",
    roles.CHANGE_OWN: "change",
    roles.DELETE: "delete",
}


def codenames(role: str) -> set[tuple[str, str]]:
    """The permissions of a role, as pairs (app label, codename)."""
    wanted = set()
    for resource, actions in roles.ROLES[role].items():
        for label in roles.MODELS.get(resource, ()):
            app, model = label.split(".")
            if not apps.is_installed(apps.get_app_config(app).name):
                continue
            wanted |= {(app, f"{CODENAMES[one]}_{model}") for one in actions if one in CODENAMES}
    return wanted


def sync_roles(*, dry_run: bool = False) -> list[str]:
    """Make groups, permissions and members say what the table says; returns what changed."""
    changes: list[str] = []
    with transaction.atomic():
        for role in UserRole.Role.values:
            group, created = Group.objects.get_or_create(name=role)
            if created:
                changes.append(f"group {role}: created")
            changes += _sync_permissions(group)
            changes += _sync_members(group)
        transaction.set_rollback(dry_run)
    return changes


def _sync_permissions(group: Group) -> list[str]:
    wanted = codenames(group.name)
    ids = {
        permission.pk
        for permission in Permission.objects.select_related("content_type")
        if (permission.content_type.app_label, permission.codename) in wanted
    }
    held = set(group.permissions.values_list("pk", flat=True))
    if ids == held:
        return []
    group.permissions.set(ids)
    return [f"group {group.name}: {len(ids - held)} permissions added, {len(held - ids)} removed"]


def _sync_members(group: Group) -> list[str]:
    holders = UserRole.objects.filter(role=group.name).values_list("user_id", flat=True)
    wanted = set(User.objects.filter(pk__in=list(holders)))
    held = set(group.user_set.all())
    if wanted == held:
        return []
    group.user_set.set(wanted)
    return [f"group {group.name}: {len(wanted - held)} joined, {len(held - wanted)} left"]
