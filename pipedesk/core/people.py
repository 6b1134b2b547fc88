"""Users, their roles, and who I am: the API over the accounts room, which knows no HTTP."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from pipedesk.accounts import roles
from pipedesk.accounts.models import User, UserRole
from pipedesk.core.exceptions import Conflict
from pipedesk.core.pagination import Key, Order, order_named
from pipedesk.core.query import Parameter, boolean, choice, identifier, order, text
from pipedesk.core.serializers import RecordSerializer
from pipedesk.core.views import ContractView
from pipedesk.core.viewsets import RecordViewSet


class UserSerializer(RecordSerializer[User]):
    """A person."""

    class Meta:
        model = User
        fields = ("id", "name", "email", "is_active", "created_at")
        read_only_fields = fields


class MeSerializer(serializers.Serializer[Any]):
    """The caller and what their role allows, action by action."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    email = serializers.EmailField(allow_null=True)
    role = serializers.ChoiceField(UserRole.Role.choices, allow_null=True)
    permissions = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))


class UserRoleSerializer(RecordSerializer[UserRole]):
    """A role a person holds."""

    class Meta:
        model = UserRole
        fields = ("id", "user_id", "role")

    def validate_user_id(self, value: str) -> str:
        """The id in its canonical spelling."""
        try:
            return str(uuid.UUID(value))
        except ValueError:
            raise serializers.ValidationError(_("Not an id of a user."), code="invalid") from None


class MeView(ContractView):
    """GET /api/me."""

    resource = "me"

    @extend_schema(responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """Who I am, and what I may do."""
        user = self.user
        allowed = roles.ROLES[user.role] if user.role else roles.WITHOUT_ROLE
        return self.tagged_response(
            {
                "id": user.id,
                "name": user.name,
                "email": user.email,
                "role": user.role,
                "permissions": {what: sorted(actions) for what, actions in allowed.items()},
            }
        )


class UserViewSet(RecordViewSet):
    """Everybody who works here."""

    resource = "user"
    http_method_names = ["get", "head"]
    queryset = User.objects.all()
    serializer_class = UserSerializer
    sorts: ClassVar[dict[str, Key]] = {
        "name": Key("name"),
        "created_at": Key("created_at", descending=True),
    }
    parameters: ClassVar[dict[str, tuple[Parameter, ...]]] = {
        "list": (
            text("search", "q", description="Part of the name or the e-mail."),
            boolean("is_active"),
            order(sorts),
        )
    }

    def filter_rows(self, rows: Any) -> Any:
        """By a part of name or e-mail, and whether the account is open."""
        if "search" in self.query:
            rows = rows.named_like(self.query["search"])
        if "is_active" in self.query:
            rows = rows.filter(is_active=self.query["is_active"])
        return rows

    def order(self) -> Order:
        """By name, or as `order_by` says."""
        return order_named(self.query.get("order_by", "name"), self.sorts)


class UserRoleViewSet(RecordViewSet):
    """Who holds which role.

    Nobody takes the admin role from themselves, and the last admin's stays: somebody must be
    left who can give it.
    """

    resource = "user_role"
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    lookup_value_converter = "int"
    queryset = UserRole.objects.all()
    serializer_class = UserRoleSerializer
    sorts: ClassVar[dict[str, Key]] = {
        "created_at": Key("id"),  # numbered as they were given
        "role": Key("role"),
        "user_id": Key("user_id"),
    }
    parameters: ClassVar[dict[str, tuple[Parameter, ...]]] = {
        "list": (
            identifier("user_id"),
            choice("role", words=UserRole.Role.values),
            order(sorts),
        )
    }

    def filter_rows(self, rows: Any) -> Any:
        """By person and by role."""
        filters = {name: self.query[name] for name in ("user_id", "role") if name in self.query}
        return rows.filter(**filters)

    def order(self) -> Order:
        """As they were given, or as `order_by` says."""
        return order_named(self.query.get("order_by", "created_at"), self.sorts)

    def locked_object(self) -> Any:
        """The row, locked after all rows of admins, so that no two of them end each other."""
        list(UserRole.objects.admins().select_for_update(no_key=True).order_by("pk"))
        return super().locked_object()

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        """Change who holds it, or which it is. Raises Conflict."""
        row, values = serializer.instance, serializer.validated_data
        if any(values.get(name, getattr(row, name)) != getattr(row, name) for name in values):
            self._refuse_the_last(row)
        super().perform_update(serializer)

    def perform_destroy(self, row: UserRole) -> None:
        """Take the role away. Raises Conflict."""
        self._refuse_the_last(row)
        super().perform_destroy(row)

    def _refuse_the_last(self, row: Any) -> None:
        if row.role != UserRole.Role.ADMIN:
            return
        if row.user_id == str(self.user.pk):
            raise Conflict(_("You cannot take the admin role from yourself."), user_id=row.user_id)
        if not UserRole.objects.admins().exclude(pk=row.pk).exists():
            raise Conflict(_("This is the last admin."), user_id=row.user_id)
