"""What every view of the API is made of: its resource, its parameters, its errors."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from rest_framework import status
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from pipedesk.accounts.models import User
from pipedesk.core import idempotency
from pipedesk.core.etags import differing_fields, entity_tag, is_unchanged
from pipedesk.core.pagination import Order, Page, paginate
from pipedesk.core.problems import PreconditionFailed
from pipedesk.core.query import Parameter, read_query
from pipedesk.core.throttling import ThrottledView


class ContractView(ThrottledView):
    """A view of the API.

    `resource` is the noun of the role table. `role_actions` names the role table's action for
    viewset actions (or lower-case methods) that do not follow from the method alone.
    `parameters` declares the query string per viewset action (or lower-case method); the values
    are in `self.query`, and everything else is refused. `calls_google`: POST asks Google, so it
    must not run inside a transaction. `page_members`: JSON schemas of what a list answers
    beside `data` and `pagination`. `failures`: statuses an action (or lower-case method) answers
    although nothing in its address or method tells so.
    """

    resource: ClassVar[str]
    role_actions: ClassVar[Mapping[str, str]] = {}
    parameters: ClassVar[Mapping[str, Sequence[Parameter]]] = {}
    calls_google: ClassVar[bool] = False
    page_members: ClassVar[Mapping[str, dict[str, Any]]] = {}
    failures: ClassVar[Mapping[str, Sequence[int]]] = {}
    query: dict[str, Any]

    @property
    def user(self) -> User:
        """Who calls; the permission has made sure that it is a known person."""
        user = self.request.user
        if not isinstance(user, User):
            raise NotAuthenticated
        return user

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check who calls, what they may, and what they ask."""
        super().initial(request, *args, **kwargs)
        method = (request.method or "").lower()
        if method not in self.http_method_names or not hasattr(self, method):
            return  # 405, whatever else is wrong with it
        self.query = read_query(request.query_params, self.declared_parameters())
        key = idempotency.key_of(request)
        handler = getattr(self, "post", None)
        if key is not None and handler is not None:
            # The dispatcher looks the handler up after this.
            handler = idempotency.once(handler, key, calls_google=self.calls_google)
            setattr(self, "post", handler)  # noqa: B010  (the REST framework sets it so)

    def declared_parameters(self) -> Iterable[Parameter]:
        """The parameters of the current action."""
        method = (self.request.method or "").lower()
        name = getattr(self, "action", None) or ("get" if method == "head" else method)
        return self.parameters.get(name, ())

    def is_own(self, row: Any) -> bool:
        """Whether `row` counts as the caller's own; nothing does unless a view says so."""
        return False

    def page_of(self, rows: Any, order: Order | None = None, **options: Any) -> Page:
        """One page of a queryset or a sequence, as the query string asks (see paginate)."""
        return paginate(rows, self.query, order, **options)

    def tagged_response(self, answer: Any, tag: str | None = None) -> Response:
        """A document with its entity tag, or 304 where the caller has seen exactly this."""
        tag = tag or entity_tag(answer)
        if is_unchanged(self.request.headers.get("If-None-Match", ""), tag):
            return Response(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": tag})
        return Response(answer, headers={"ETag": tag})

    def refuse_overtaken(
        self, current: Callable[[], Mapping[str, Any]], drifting: Collection[str] = ()
    ) -> None:
        """Compare the row the caller saw (If-Match) with the current one.

        Raises PreconditionFailed where they differ, in more than `drifting` fields.
        """
        header = self.request.headers.get("If-Match")
        if header is None:
            return
        fields = differing_fields(header, current())
        if fields is not None and (not fields or set(fields) - set(drifting)):
            raise PreconditionFailed(fields)

    @staticmethod
    def page_response(page: Page, rows: Iterable[Any] | None = None, **members: Any) -> Response:
        """The contract's list answer; `rows` where the page's rows were rendered."""
        answered = page.rows if rows is None else rows
        return Response({"data": answered, "pagination": page.pagination, **members})
