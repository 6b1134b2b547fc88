"""Permissions of files in the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from rest_framework import serializers

from gdrive.permission_client import Permission
from gdrive.sharing import ROLES, TYPES, Wanted
from pipedesk.core.serializers import StrictBody

DOMAIN = r"^[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+$"


class PermissionSerializer(serializers.Serializer[Any]):
    """Who may do what with a file; `role` is Google's word, `owner` included."""

    id = serializers.CharField(source="permission_id")
    role = serializers.CharField()
    type = serializers.ChoiceField(TYPES, source="kind")
    emailAddress = serializers.SerializerMethodField()  # noqa: N815  (Google's name)
    domain = serializers.SerializerMethodField()

    def get_emailAddress(self, row: Permission) -> str | None:  # noqa: N802  (Google's name)
        """The person's or group's address."""
        return (row.address or None) if row.kind in {"user", "group"} else None

    def get_domain(self, row: Permission) -> str | None:
        """The domain everybody of which is let in."""
        return row.address if row.kind == "domain" else None


class PermissionsSerializer(serializers.Serializer[Any]):
    """Every permission of a file."""

    permissions = PermissionSerializer(many=True)


class RoleSerializer(StrictBody):
    """Another role."""

    role = serializers.ChoiceField(ROLES)


class WantedSerializer(RoleSerializer):
    """A permission to be given. Nobody gets an e-mail unless `sendNotificationEmail` says so."""

    aliases: ClassVar[Mapping[str, str]] = {
        "email": "emailAddress",
        "email_address": "emailAddress",
        "send_notification_email": "sendNotificationEmail",
    }

    type = serializers.ChoiceField(TYPES)
    emailAddress = serializers.EmailField(max_length=254, required=False)  # noqa: N815  (Google's name)
    domain = serializers.RegexField(DOMAIN, max_length=253, required=False)
    sendNotificationEmail = serializers.BooleanField(default=False)  # noqa: N815  (Google's name)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The address its type needs, and no other."""
        needed = {"user": "emailAddress", "group": "emailAddress", "domain": "domain"}
        own = needed.get(attrs["type"])
        if own is not None and own not in attrs:
            raise serializers.ValidationError({own: _("This type needs it.")}, "required")
        for name in {"emailAddress", "domain"} - {own}:
            if name in attrs:
                raise serializers.ValidationError({name: _("Not for this type.")}, "not_needed")
        return attrs

    def wanted(self) -> Wanted:
        """The permission as the rules know it."""
        values = self.validated_data
        return Wanted(
            kind=values["type"],
            role=values["role"],
            address=values.get("emailAddress") or values.get("domain") or "",
            notify=values["sendNotificationEmail"],
        )
