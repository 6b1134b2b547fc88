"""Who may do what is part of the history: roles, and powers beyond them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import Model
from django.db.models.signals import m2m_changed
from django.dispatch import receiver

from pipedesk.accounts.models import User, UserRole
from pipedesk.audit.following import follow
from pipedesk.audit.recording import record

# The entries are the user's whose role it is: all they ever held is one entity's history.
follow(UserRole, "user_role", columns=("user_id", "role"), entity_id="user_id")
follow(User, "user", columns=("is_active", "is_staff", "is_superuser"))


@receiver(m2m_changed, sender=User.groups.through, dispatch_uid="audit.groups")
@receiver(m2m_changed, sender=User.user_permissions.through, dispatch_uid="audit.permissions")
def record_powers(
    sender: type[Model],
    instance: Model,
    action: str,
    model: type[Model],
    pk_set: Collection[Any] | None,
    **_kwargs: Any,
) -> None:
    """Record groups and permissions given to a user or taken away.

    From the group's side only `sync_roles` writes, which puts right what follows from roles.
    """
    if not isinstance(instance, User):
        return
    is_groups = sender is User.groups.through
    field = "groups" if is_groups else "user_permissions"
    rows: Any = model._default_manager.order_by("pk")  # noqa: SLF001  (Django's documented attribute)
    if action in ("post_add", "post_remove") and pk_set:
        rows = rows.filter(pk__in=pk_set)
    elif action == "pre_clear":
        rows = rows.filter(user=instance)
    else:
        return
    names = ", ".join(rows.values_list("name" if is_groups else "codename", flat=True))
    if names:
        change = (None, names) if action == "post_add" else (names, None)
        record("update", "user", instance.pk, {field: change})
