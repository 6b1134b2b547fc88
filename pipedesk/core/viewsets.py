"""The base of the API's record views: list, retrieve, create, update, destroy."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import ViewSetMixin

from pipedesk.accounts.models import User
from pipedesk.core.etags import entity_tag
from pipedesk.core.pagination import PAGING, Order, natural_order
from pipedesk.core.problems import BadQuery
from pipedesk.core.query import Parameter, nearest, texts
from pipedesk.core.views import ContractView

SPARSE = (
    texts("fields", description="Only these fields."),
    texts("omit", description="All fields but these."),
)


class RecordViewSet(ViewSetMixin, ContractView, GenericAPIView[Any]):
    """Rows of one table; PUT where a subclass names it among its `http_method_names`.

    Subclasses set `resource`, `queryset`, `serializer_class` and, for lists, `parameters`,
    `filter_rows` and `order`. Each write is one transaction, its row locked from the read to
    the save. Rows `visible_to` hides are 404, rows a role may only change as own ones (see
    `is_own`) 403.
    """

    http_method_names = ["get", "head", "post", "patch", "delete"]
    lookup_value_converter = "uuid"
    # Fields that move by themselves: no part of entity tags.
    untagged: ClassVar[Collection[str]] = ()
    # Fields that move by themselves and are news all the same: no If-Match fails for them alone.
    drifting: ClassVar[Collection[str]] = ()
    # Stop counting a list here; None counts all.
    total_cap: ClassVar[int | None] = None

    # --- What subclasses say -----------------------------------------------------------------

    def visible_to(self, user: User) -> QuerySet[Any]:
        """The rows this user may know of."""
        return super().get_queryset()

    def filter_rows(self, rows: Any) -> Any:
        """The list's rows under the filters in `self.query`."""
        return rows

    def order(self) -> Order:
        """The list's order; must end in the primary key."""
        return natural_order(self.get_queryset().model)

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        """Store the new row."""
        serializer.save()

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        """Store the changed row, which is locked."""
        serializer.save()

    def perform_destroy(self, row: Any) -> None:
        """Remove the row, which is locked; soft-deleted tables override this."""
        row.delete()

    # --- The query string --------------------------------------------------------------------

    def declared_parameters(self) -> Iterable[Parameter]:
        """The action's own, and those of every list and detail answer."""
        own = super().declared_parameters()
        if self.action == "list":
            return (*own, *PAGING, *SPARSE)
        if self.action == "retrieve":
            return (*own, *SPARSE)
        return own

    def wanted(self, names: Collection[str]) -> Collection[str] | None:
        """The fields `fields=` and `omit=` leave of these; None when nothing was said."""
        for parameter in ("fields", "omit"):
            for name in self.query.get(parameter, ()):
                if name not in names:
                    message = _("There is no field “%(name)s” here.") % {"name": name}
                    raise BadQuery(parameter, message, nearest(name, names))
        if not self.query.keys() & {"fields", "omit"}:
            return None
        chosen = self.query.get("fields", names)
        return [name for name in chosen if name not in self.query.get("omit", ())]

    def get_serializer_context(self) -> dict[str, Any]:
        """What serializers see; `wanted` are the fields of a sparse answer."""
        context = dict(super().get_serializer_context())
        if self.action in ("list", "retrieve") and hasattr(self, "query"):
            names = list(self.get_serializer_class()(context=context).fields)  # type: ignore[attr-defined]
            context["wanted"] = self.wanted(names)
        return context

    # --- Reading -----------------------------------------------------------------------------

    def get_queryset(self) -> QuerySet[Any]:
        """The rows the caller may know of."""
        return self.visible_to(self.user)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One page of the rows."""
        rows = self.filter_rows(self.get_queryset())
        page = self.page_of(rows, self.order(), cap=self.total_cap)
        return self.page_response(page, self.get_serializer(page.rows, many=True).data)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One row, or 304 where the caller has seen exactly this."""
        row = self.get_serializer(self.get_object()).data
        sparse = bool(self.query.keys() & {"fields", "omit"})
        return self.tagged_response(row, entity_tag(self._tagged(row), partial=sparse))

    # --- Writing -----------------------------------------------------------------------------

    def locked_object(self) -> Any:
        """The row of this address, locked until the transaction ends.

        Raises Http404, PermissionDenied, and PreconditionFailed where If-Match names another
        state of the row. Call it inside a transaction, before anything else.
        """
        rows = self.get_queryset().select_for_update(of=("self",), no_key=True)
        kwargs = {self.lookup_field: self.kwargs[self.lookup_url_kwarg or self.lookup_field]}
        row = rows.filter(**kwargs).first()
        if row is None:
            raise Http404
        self.check_object_permissions(self.request, row)
        self.refuse_overtaken(lambda: self.compared(row), self.drifting)
        return row

    def compared(self, row: Any) -> dict[str, Any]:
        """What If-Match is compared with: the detail answer, where the address shows that."""
        return self._tagged(self.rendered(row))

    def _tagged(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in answer.items() if name not in self.untagged}

    def rendered(self, row: Any) -> dict[str, Any]:
        """The row as a detail answer shows it."""
        return dict(self.get_serializer(row).data)

    def row_response(self, row: Any, code: int = status.HTTP_200_OK) -> Response:
        """A detail answer for a row that was just written, as the database has it now."""
        fresh = self.get_queryset().filter(pk=row.pk).first() or row
        answer = self.rendered(fresh)
        headers = {"ETag": entity_tag(self._tagged(answer))}
        if self.action == "create" and code == status.HTTP_201_CREATED:
            headers["Location"] = f"{self.request.path.rstrip('/')}/{row.pk}"
        return Response(answer, status=code, headers=headers)

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add a row."""
        with transaction.atomic():
            serializer = self.get_serializer(data=request.data)
            serializer.is_valid(raise_exception=True)
            self.perform_create(serializer)
            return self.row_response(serializer.instance, status.HTTP_201_CREATED)

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change the row; what is required must be there, what is not sent stays."""
        return self._update(request, partial=False)

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change the fields that were sent."""
        return self._update(request, partial=True)

    def _update(self, request: Request, *, partial: bool) -> Response:
        with transaction.atomic():
            row = self.locked_object()
            serializer = self.get_serializer(row, data=request.data, partial=partial)
            serializer.is_valid(raise_exception=True)
            self.perform_update(serializer)
            return self.row_response(row)

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Remove the row."""
        with transaction.atomic():
            self.perform_destroy(self.locked_object())
        return Response(status=status.HTTP_204_NO_CONTENT)
