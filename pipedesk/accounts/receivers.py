"""Staff join and leave the admin's groups with their roles."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from pipedesk.accounts.models import User, UserRole


@receiver(post_save, sender=UserRole, dispatch_uid="accounts.join_groups")
@receiver(post_delete, sender=UserRole, dispatch_uid="accounts.leave_groups")
def follow_roles(instance: UserRole, *, raw: bool = False, **kwargs: Any) -> None:
    """Put the user into the groups of the roles held now, and of no other."""
    user = None if raw else User.objects.filter(pk=instance.user_id).first()
    if user is None:
        return
    held = set(UserRole.objects.of(user.pk).values_list("role", flat=True))
    for role in UserRole.Role.values:
        group, _created = Group.objects.get_or_create(name=role)
        if role in held:
            user.groups.add(group)
        else:
            user.groups.remove(group)
