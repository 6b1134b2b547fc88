"""The numbers of the priority score, with a look at who would move before they are saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from crm.formula_preview import preview
from crm.models import PriorityFormula
from crm.models.formula import NUMBERS
from pipedesk.core.pages import BaseAdmin, WorkColumns, asking, leave_dialog

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

PREVIEW = "crm_priorityformula_preview"


class FormulaForm(forms.ModelForm):  # type: ignore[type-arg]
    """The four numbers. Sent for a preview, the form is shown again instead of saved."""

    class Meta:
        model = PriorityFormula
        fields = NUMBERS

    def is_valid(self) -> bool:
        """Whether the numbers are good and meant to be saved."""
        return super().is_valid() and PREVIEW not in self.data


@admin.register(PriorityFormula)
class PriorityFormulaAdmin(WorkColumns, BaseAdmin):
    """The one formula: no list, none to add, none to delete."""

    form = FormulaForm
    fieldsets = (
        (
            None,
            {
                "fields": (("recency_points", "recency_days"), tuple(NUMBERS[2:])),
                "description": _(
                    "The points of statuses and origins stand in their own tables. After saving,"
                    " a job computes the scores of all open leads anew; those set by hand stay."
                ),
            },
        ),
        (_("work"), {"fields": WorkColumns.work_fields}),
    )
    readonly_fields = WorkColumns.work_fields
    actions_submit_line = ("preview",)
    actions_detail = ("again",)
    change_form_after_template = "admin/formula_preview.html"

    @action(description=_("Preview"), icon="visibility", permissions=["change"])
    def preview(self, request: HttpRequest, obj: PriorityFormula) -> None:
        """Its button: a form sent with it is never saved, so that this never runs."""

    @action(
        description=_("Run again"),
        permissions=["operate"],
        dialog=asking(_("Run again"), _("A job computes the scores of all open leads anew.")),
    )
    def again(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Start what was given up, or start it without a change of the numbers."""
        PriorityFormula.objects.get_or_create(pk=PriorityFormula.ONLY)
        self.start(request, PriorityFormula.objects.all())
        return leave_dialog("admin:crm_priorityformula_change", PriorityFormula.ONLY)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> PriorityFormula | None:
        """The formula in force; it is stored with its first change."""
        return PriorityFormula.objects.current() if object_id == str(PriorityFormula.ONLY) else None

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """The form, with what its numbers would do where that was asked."""
        form = context["adminform"].form
        if PREVIEW in request.POST and not form.errors:
            context["preview"] = preview(form.instance, timezone.now())
        return super().render_change_form(request, context, *args, **kwargs)  # type: ignore[no-any-return]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The one form in place of a list of one."""
        page = reverse("admin:crm_priorityformula_change", args=(PriorityFormula.ONLY,))
        return HttpResponseRedirect(page)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody: there is one."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: there is always one."""
        return False
