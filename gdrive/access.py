"""What a person may do in an entity's folder."""

from __future__ import annotations

from gdrive import entities
from pipedesk.accounts.models import User, UserRole

OWNER, WRITER, READER = "owner", "writer", "reader"
BY_ROLE = {UserRole.Role.ADMIN: OWNER, UserRole.Role.MANAGER: WRITER}


def permission(user: User, entity_type: str, entity_id: str) -> str:
    """`owner`, `writer` or `reader`; sales write where their own leads are concerned."""
    by_role = BY_ROLE.get(UserRole.Role(user.role)) if user.role else None
    if by_role is not None:
        return by_role
    return WRITER if entities.is_tied_to(entity_type, entity_id, user.pk) else READER
