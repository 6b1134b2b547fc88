"""The smallest valid people; traits name states."""

from __future__ import annotations

from typing import Any

import factory

from pipedesk.accounts.models import User, UserRole


class UserFactory(factory.django.DjangoModelFactory):
    """`UserFactory(role="sales")` gives the role too."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    class Params:
        staff = factory.Trait(is_staff=True)
        locked = factory.Trait(is_active=False)

    name = factory.Sequence(lambda n: f"User {n:04}")
    email = factory.Sequence(lambda n: f"user{n}@pipedesk.example")

    @factory.post_generation
    def role(user: User, create: bool, role: str | None, **kwargs: Any) -> None:  # noqa: N805
        if create and role:
            UserRole.objects.create(user_id=str(user.id), role=role)
