"""Buttons on a lead's page: disqualify, reopen, unqualify. Each asks before it acts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from crm import unqualification
from crm.admin.own import OwnRowsAdmin, reaches_own_only
from crm.disqualification import disqualify, reopen
from crm.models import Lead
from crm.verb_serializers import REASON_LENGTH
from pipedesk.core.exceptions import Conflict
from pipedesk.core.pages import asking, leave_dialog

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.utils.functional import _StrPromise


class DisqualifyForm(BaseDialogForm):
    """Why the lead is given up."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=REASON_LENGTH,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
    )


class LeadVerbsAdmin(OwnRowsAdmin):
    """The verbs a lead's state and the user's role allow, as buttons above its form."""

    actions_detail = ("disqualify", "reopen", "unqualify")

    @action(
        description=_("Disqualify"),
        icon="block",
        permissions=["disqualify"],
        dialog=asking(
            _("Disqualify this lead?"),
            _("It can be reopened at any time."),
            submit=_("Disqualify"),
            form=DisqualifyForm,
        ),
    )
    def disqualify(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Give the lead up."""
        reason, done = form.cleaned_data["reason"], _("The lead is disqualified.")
        return self._act(request, object_id, lambda lead: disqualify(lead, reason), done)

    @action(
        description=_("Reopen"),
        icon="undo",
        permissions=["reopen"],
        dialog=asking(
            _("Reopen this lead?"),
            _("The reason of its disqualification is cleared."),
            submit=_("Reopen"),
        ),
    )
    def reopen(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Take the lead up again."""
        return self._act(request, object_id, reopen, _("The lead is open again."))

    @action(
        description=_("Unqualify"),
        icon="undo",
        permissions=["unqualify"],
        dialog=asking(
            _("Make a lead of it again?"),
            _("It goes back to the work list as it was. The company and the deal stay."),
            submit=_("Unqualify"),
        ),
    )
    def unqualify(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Make a lead of the customer again."""
        user: Any = request.user
        return self._act(
            request,
            object_id,
            lambda lead: unqualification.unqualify(lead, user),
            _("The lead is back in the work list."),
        )

    def has_disqualify_permission(self, request: HttpRequest, object_id: str) -> bool:
        """Whoever may change the lead, while nothing is decided."""
        lead = self._changeable(request, object_id)
        return lead is not None and lead.deleted_at is None and lead.disqualified_at is None

    def has_reopen_permission(self, request: HttpRequest, object_id: str) -> bool:
        """Whoever may change the lead, when it was given up."""
        lead = self._changeable(request, object_id)
        return lead is not None and lead.deleted_at is None and lead.disqualified_at is not None

    def has_unqualify_permission(self, request: HttpRequest, object_id: str) -> bool:
        """Whoever may change the lead, within the time there is."""
        lead = self._changeable(request, object_id)
        if lead is None:
            return False
        try:
            unqualification.refuse(lead)
        except Conflict:
            return False
        return True

    def _changeable(self, request: HttpRequest, object_id: str) -> Lead | None:
        """The lead, read once per request, if this user may change it."""
        known: dict[str, Lead | None] = request.__dict__.setdefault("_leads_of_buttons", {})
        if object_id not in known:
            lead = self.get_object(request, object_id)
            changeable = lead is not None and self.has_change_permission(request, lead)
            known[object_id] = lead if changeable else None
        return known[object_id]

    def _act(
        self, request: HttpRequest, object_id: str, verb: Callable[[Lead], None], done: _StrPromise
    ) -> HttpResponse:
        """Act as the API does, and have the browser show the lead anew."""
        try:
            with transaction.atomic():
                lead = Lead.objects.select_for_update(no_key=True).get(pk=object_id)
                if not self.has_change_permission(request, lead):
                    raise PermissionDenied
                if lead.owner_id is None and reaches_own_only(request, self.resource):
                    lead.owner_id = request.user.pk
                verb(lead)
                self.log_change(request, lead, str(done))
        except Conflict as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, done)
        return leave_dialog("admin:crm_lead_change", object_id)
