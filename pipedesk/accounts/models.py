"""Users (table `users`) and their roles (table `user_roles`)."""

from __future__ import annotations

import uuid
from functools import cached_property
from typing import Any, ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class UserQuerySet(models.QuerySet["User"]):
    """Users."""

    def named_like(self, text: str) -> Self:
        """Users with this text in their name or e-mail, in any case."""
        return self.filter(models.Q(name__icontains=text) | models.Q(email__icontains=text))

    def with_role(self, user_id: uuid.UUID) -> User | None:
        """The user with this id, whose `role` came in the same statement."""
        strongest = UserRole.objects.of(user_id).by_strength().values("role")[:1]
        user = self.annotate(strongest_role=models.Subquery(strongest)).filter(pk=user_id).first()
        if user is not None:
            user.role = user.strongest_role  # type: ignore[attr-defined]  # the annotation
        return user


class UserManager(BaseUserManager["User"]):
    """Makes users; e-mail is how staff log in."""

    def get_queryset(self) -> UserQuerySet:
        """Users, with their verbs."""
        return UserQuerySet(self.model, using=self._db)

    def with_role(self, user_id: uuid.UUID) -> User | None:
        """As the queryset's."""
        return self.get_queryset().with_role(user_id)

    def create_user(self, email: str, password: str | None = None, **extra: Any) -> User:
        """A user with this e-mail; without a password nobody can log in as it."""
        user = self.model(email=self.normalize_email(email), **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **extra: Any) -> User:
        """A staff member with every permission."""
        return self.create_user(
            email, password, **{"is_staff": True, "is_superuser": True, **extra}
        )

    def get_by_natural_key(self, username: str | None) -> User:
        """The user with this e-mail, whatever the case it is typed in."""
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """One identity for staff, lead owners and bearer-token subjects.

    `id` is the subject (`sub`) of the Supabase token. `last_login` is Django's.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=255, default="", blank=True)
    email = models.EmailField(_("e-mail"), max_length=254, null=True, blank=True)
    is_staff = models.BooleanField(
        _("staff"), default=False, db_default=False, help_text=_("May log in to the admin.")
    )
    is_active = models.BooleanField(
        _("active"),
        default=True,
        db_default=True,
        help_text=_("Clear this to lock the person out at once, tokens included."),
    )
    created_at = models.DateTimeField(
        _("created"), default=timezone.now, db_default=Now(), editable=False
    )

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        db_table = "users"
        verbose_name = _("user")
        verbose_name_plural = _("users")
        ordering = ("name", "id")
        constraints = (
            models.UniqueConstraint(
                Lower("email"),
                name="uq_users_email",
                violation_error_message=_("A user with this e-mail exists already."),
            ),
        )

    def __str__(self) -> str:
        return self.name or self.email or str(self.id)

    def get_full_name(self) -> str:
        """The name people see."""
        return str(self)

    def get_short_name(self) -> str:
        """The first word of the name."""
        return str(self).split(" ", maxsplit=1)[0]

    @cached_property
    def role(self) -> str | None:
        """The strongest role this user holds, from `user_roles` alone; None without any."""
        held = UserRole.objects.of(self.id).by_strength().values_list("role", flat=True)
        return held.first()


class UserRoleQuerySet(models.QuerySet["UserRole"]):
    """Roles given to users."""

    def of(self, user_id: uuid.UUID | str) -> Self:
        """The roles this user holds."""
        return self.filter(user_id=str(user_id))

    def admins(self) -> Self:
        """Who may do everything."""
        return self.filter(role=UserRole.Role.ADMIN)

    def by_strength(self) -> Self:
        """The strongest role first."""
        strongest_first = enumerate(UserRole.Role.values)
        rank = models.Case(
            *(models.When(role=role, then=place) for place, role in strongest_first),
            output_field=models.IntegerField(),
        )
        return self.order_by(rank, "pk")


class UserRole(models.Model):
    """A role a user holds; of several the strongest counts.

    `user_id` is the id in Supabase Auth, which is `users.id`.
    """

    class Role(models.TextChoices):
        ADMIN = "admin", _("Admin")
        MANAGER = "manager", _("Manager")
        SALES = "sales", _("Sales")

    user_id = models.CharField(_("user id"), max_length=36)
    role = models.CharField(pgettext_lazy("access", "role"), max_length=20, choices=Role.choices)

    objects = UserRoleQuerySet.as_manager()

    class Meta:
        db_table = "user_roles"
        verbose_name = _("user role")
        verbose_name_plural = _("user roles")
        ordering = ("id",)
        indexes = (models.Index(fields=["user_id"], name="idx_user_roles_user_id"),)
        constraints = (
            models.UniqueConstraint(
                fields=["user_id", "role"],
                name="uq_user_roles_user_id_role",
                violation_error_message=_("This user has this role already."),
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=["admin", "manager", "sales"]),
                name="ck_user_roles_role",
                violation_error_message=_("The role is admin, manager or sales."),
            ),
        )

    def __str__(self) -> str:
        return f"{self.user_id}: {self.role}"
