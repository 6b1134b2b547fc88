"""The people who work with the demo data."""

from __future__ import annotations

import uuid
from typing import Final

from django.contrib.auth.hashers import make_password

from pipedesk.accounts.models import User, UserRole

SPACE: Final = uuid.UUID("5a1c2f52-6a3e-5c9b-9d58-2c1f8c1b7d10")
Role = UserRole.Role
# Who may log in: address, name, role.
STAFF: Final = (
    ("admin@pipedesk.example", "Helena Monteiro", Role.ADMIN),
    ("manager@pipedesk.example", "Marcelo Ribeiro", Role.MANAGER),
    ("sales@pipedesk.example", "Juliana Castro", Role.SALES),
)
# Owners of leads who only exist as such: nobody can log in as them.
COLLEAGUES: Final = (
    ("rafael.lima@pipedesk.example", "Rafael Lima", Role.SALES),
    ("camila.nunes@pipedesk.example", "Camila Nunes", Role.SALES),
    ("thiago.barbosa@pipedesk.example", "Thiago Barbosa", Role.SALES),
)


def present() -> bool:
    """Whether the demo people are there already."""
    return User.objects.filter(email__in=[email for email, _name, _role in STAFF]).exists()


def make_people(password: str) -> list[User]:
    """The demo people, made where missing with this password; those who exist stay as they are.

    Returns the sales people: the owners of leads.
    """
    secret = make_password(password)
    for email, name, role in (*STAFF, *COLLEAGUES):
        staff = (email, name, role) in STAFF
        user, created = User.objects.get_or_create(
            email=email,
            defaults={
                "id": uuid.uuid5(SPACE, email),
                "name": name,
                "is_staff": staff,
                "password": secret if staff else make_password(None),
            },
        )
        if created:
            UserRole.objects.get_or_create(user_id=str(user.pk), role=role)
    emails = [email for email, _name, role in (*STAFF, *COLLEAGUES) if role == Role.SALES]
    return list(User.objects.filter(email__in=emails).order_by("email"))
