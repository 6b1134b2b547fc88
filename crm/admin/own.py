"""Pages on which some roles change only what is their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pipedesk.accounts import roles
from pipedesk.core.pages import SoftDeleteAdmin

if TYPE_CHECKING:
    from django.db import models
    from django.http import HttpRequest


def reaches_own_only(request: HttpRequest, resource: str) -> bool:
    """Whether the role table lets this user change own rows and no others."""
    user: Any = request.user
    grant = roles.granted(user, resource, roles.CHANGE)
    return not user.is_superuser and grant is roles.Grant.OWN


class OwnRowsAdmin(SoftDeleteAdmin):
    """A page of records: everybody reads all, the sales team changes its own.

    Searches as the API does, whatever case and accents.
    """

    resource: ClassVar[str]

    def is_own(self, request: HttpRequest, obj: Any) -> bool:
        """Whether the record is tied to a lead of this user's."""
        rows = type(obj)._default_manager.tied_to_leads_of(request.user.pk)  # noqa: SLF001  (Django's documented attribute)
        return bool(rows.filter(pk=obj.pk).exists())

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Django's permission, and for the sales team only on what is theirs."""
        if not super().has_change_permission(request, obj):
            return False
        if obj is None or not reaches_own_only(request, self.resource):
            return True
        return self.is_own(request, obj)

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        """Rows whose name contains the words as typed."""
        words = search_term.strip()
        return (queryset.named_like(words) if words else queryset), False  # type: ignore[attr-defined]
