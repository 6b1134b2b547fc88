"""May the caller do this? Asks the role table; whatever it does not grant is denied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.permissions import BasePermission

from pipedesk.accounts import roles
from pipedesk.accounts.models import User

if TYPE_CHECKING:
    # The REST framework loads this module while it loads its views.
    from rest_framework.request import Request
    from rest_framework.views import APIView

METHOD_ACTIONS = {
    "GET": roles.VIEW,
    "HEAD": roles.VIEW,
    "POST": roles.ADD,
    "PUT": roles.CHANGE,
    "PATCH": roles.CHANGE,
    "DELETE": roles.DELETE,
}
VIEWSET_ACTIONS = {
    "list": roles.VIEW,
    "retrieve": roles.VIEW,
    "create": roles.ADD,
    "update": roles.CHANGE,
    "partial_update": roles.CHANGE,
    "destroy": roles.DELETE,
}


class RolePermission(BasePermission):
    """Default deny. Views name their `resource`; custom actions are named in `role_actions`."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the role reaches any row with this action."""
        user = request.user
        resource = getattr(view, "resource", None)
        if not isinstance(user, User) or resource is None:
            return False
        action = role_action(view, request.method or "")
        if action is None:
            # No such method here: 405, for whoever may look at the resource at all.
            action = roles.VIEW
        return roles.granted(user, resource, action) is not roles.Grant.NONE

    def has_object_permission(self, request: Request, view: APIView, obj: Any) -> bool:
        """Whether the role reaches this row; where it only reaches own rows, the view knows."""
        action = role_action(view, request.method or "") or roles.VIEW
        grant = roles.granted(request.user, view.resource, action)  # type: ignore[attr-defined, arg-type]
        if grant is roles.Grant.OWN:
            return bool(view.is_own(obj))  # type: ignore[attr-defined]
        return grant is roles.Grant.ALL


def role_action(view: Any, method: str) -> str | None:
    """The action of the role table that this request means; None for unsupported methods."""
    if not hasattr(view, "action"):
        declared: str | None = view.role_actions.get(method.lower())
        return declared or METHOD_ACTIONS.get(method)
    if view.action in (None, "metadata"):  # "metadata": OPTIONS, which we do not answer
        return None
    declared = view.role_actions.get(view.action) or VIEWSET_ACTIONS.get(view.action)
    if declared is None and method in ("GET", "HEAD"):
        return roles.VIEW
    return declared or "undeclared"
