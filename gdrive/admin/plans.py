"""Plans of folder templates: what happens to whose folders, and how far it is."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.utils.html import format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from gdrive import plan_commands
from gdrive.models import DriveTemplatePlan, DriveTemplatePlanItem
from pipedesk.core.exceptions import Conflict
from pipedesk.core.pages import NOTHING, Labelled, WorkAdmin, WorkFilter, asking, leave_dialog

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.utils.functional import _StrPromise

PAGE = "p"
ITEMS_PER_PAGE = 100
State = DriveTemplatePlan.State


@admin.register(DriveTemplatePlan)
class PlanAdmin(WorkAdmin):
    """Plans; they are drawn on a template's page."""

    list_display = ("__str__", "entity_type", "shown_state", "progress", "created_by", "created_at")
    list_filter = ("state", WorkFilter, "entity_type")
    search_fields = ("template_name",)
    list_select_related = ("created_by",)
    fields: ClassVar[tuple[str, ...]] = (
        "template",
        "version",
        "shown_state",
        "progress",
        "counts",
        "records",
        "created_by",
        "created_at",
        "finished_at",
        "attempts",
        "next_attempt_at",
        "dead_at",
        "last_error",
    )
    readonly_fields: ClassVar[tuple[str, ...]] = ("shown_state", "progress", "counts")
    actions_detail = ("apply_plan", "cancel_plan")
    change_form_after_template = "admin/template_plan.html"

    @display(
        description=_("state"),
        label={
            "done": "success",
            "planned": "info",
            "planning": "info",
            "applying": "info",
            "stopped": "danger",
            "error": "danger",
            "cancelled": "warning",
        },
    )
    def shown_state(self, obj: DriveTemplatePlan) -> Labelled:
        """Where the plan is in its life."""
        text = gettext("Given up") if obj.dead_at else obj.get_state_display()
        return Labelled(obj.condition, text)

    @display(description=_("progress"))
    def progress(self, obj: DriveTemplatePlan) -> str:
        """How many folders are dealt with."""
        dealt_with = obj.done + obj.failed + obj.skipped
        text = gettext("%(n)d of %(all)d folders, %(failed)d failed, %(skipped)d left")
        return text % {
            "n": dealt_with,
            "all": obj.to_do,
            "failed": obj.failed,
            "skipped": obj.skipped,
        }

    @display(description=_("folders"))
    def counts(self, obj: DriveTemplatePlan) -> str:
        """How many folders of which fate."""
        labels = {**dict(DriveTemplatePlanItem.Action.choices), "unchanged": _("unchanged")}
        shown = [(labels[name], obj.totals[name]) for name in labels if obj.totals.get(name)]
        return format_html_join(" · ", "{}: <strong>{}</strong>", shown) or NOTHING

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The plan with a page of its folders, record after record."""
        plan = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if plan is not None and self.has_view_permission(request, plan):
            rows = plan_commands.items_of(plan).order_by("pk")
            page = Paginator(rows, ITEMS_PER_PAGE).get_page(request.GET.get(PAGE))
            grouped = groupby(page, lambda row: (row.tree_id, row.record_name))
            context |= {
                "items_page": page,
                "records_shown": [(name, list(group)) for (_pk, name), group in grouped],
            }
        answer: HttpResponse = super().change_view(request, object_id, form_url, context)
        return answer

    @action(
        description=_("Apply"),
        icon="play_arrow",
        permissions=["apply"],
        dialog=asking(
            _("Do what this plan says?"),
            _(
                "A job changes the folders in Drive. What changed since the plan is left;"
                " nothing is deleted."
            ),
            submit=_("Apply"),
        ),
    )
    def apply_plan(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Ask for the job."""

        def ask(plan: DriveTemplatePlan) -> None:
            if plan.template is None:
                raise Conflict(gettext("The template was deleted."))
            plan_commands.apply(plan.template, plan.pk, settings.DRIVE_APPLY_MAX_FAILURES)

        return self._act(request, object_id, ask, _("The plan is being applied."))

    @action(
        description=_("Cancel"),
        icon="cancel",
        permissions=["cancel"],
        dialog=asking(_("Stop this plan?"), _("What is done stays."), submit=_("Stop")),
    )
    def cancel_plan(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Stop it before its next folder."""

        def stop(plan: DriveTemplatePlan) -> None:
            plan_commands.cancel(plan.pk)

        return self._act(request, object_id, stop, _("The plan is cancelled."))

    def has_apply_permission(self, request: HttpRequest, object_id: str) -> bool:
        """Whoever may change templates, while there is something to apply."""
        return self._is_in(request, object_id, {State.PLANNED, State.STOPPED})

    def has_cancel_permission(self, request: HttpRequest, object_id: str) -> bool:
        """Whoever may change templates, until it is over."""
        return self._is_in(request, object_id, {State.PLANNING, State.PLANNED, State.APPLYING})

    def _is_in(self, request: HttpRequest, object_id: str, states: set[str]) -> bool:
        if not self.has_operate_permission(request):
            return False
        return DriveTemplatePlan.objects.filter(pk=object_id, state__in=states).exists()

    def _act(
        self,
        request: HttpRequest,
        object_id: str,
        verb: Callable[[DriveTemplatePlan], None],
        done: _StrPromise,
    ) -> HttpResponse:
        plan = self.get_object(request, object_id)
        if plan is None:
            raise Http404
        try:
            verb(plan)
        except Conflict as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, done)
        return leave_dialog("admin:gdrive_drivetemplateplan_change", object_id)
