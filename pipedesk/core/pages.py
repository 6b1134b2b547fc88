"""Bases of the admin pages.

Staff see what Django's permissions say; `accounts.roles` writes those from the role table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm

from pipedesk.accounts.viewing import ViewOnly
from pipedesk.core.exceptions import Conflict

if TYPE_CHECKING:
    from django.db import models
    from django.http import HttpRequest
    from django.utils.functional import _StrPromise

NOTHING = "—"


class Labelled(NamedTuple):
    """What a column with coloured labels shows; a page of one row shows the text alone."""

    level: str
    text: str | _StrPromise

    def __str__(self) -> str:
        return str(self.text)


class BaseAdmin(ModelAdmin):
    """What every list and form of the admin has in common."""

    list_per_page = 50
    list_max_show_all = 200
    # A second count of a whole table for "n of m" is not worth its time.
    show_full_result_count = False
    list_fullwidth = True
    list_filter_submit = True
    warn_unsaved_form = True
    empty_value_display = NOTHING


class ReadOnlyAdmin(ViewOnly, BaseAdmin):
    """A page that shows rows only the machine writes."""

    warn_unsaved_form = False


class ReadOnlyInline(ViewOnly, TabularInline):
    """Rows below a form that only the machine writes."""

    extra = 0
    max_num = 0
    can_delete = False
    hide_title = True
    show_change_link = False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """All of them: not even an empty form is built."""
        return tuple(self.fields)


class DeletedFilter(DropdownFilter):
    """Hides deleted rows unless asked for."""

    title = _("deleted")
    parameter_name = "deleted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, _StrPromise]]:
        """The choices beside "not deleted", which is the default."""
        return [("yes", _("Deleted")), ("all", _("All"))]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> models.QuerySet[Any]:
        """The rows of the chosen kind."""
        if self.value() == "all":
            return queryset
        return queryset.filter(deleted_at__isnull=self.value() != "yes")


class SoftDeleteAdmin(BaseAdmin):
    """A page whose delete button hides the row; it can be restored.

    The delete permission is what both need.
    """

    actions: ClassVar[list[str]] = ["restore"]
    delete_confirmation_template = "admin/soft_delete_confirmation.html"
    delete_selected_confirmation_template = "admin/soft_delete_selected_confirmation.html"

    def hide(self, request: HttpRequest, obj: Any) -> None:
        """Mark one row as deleted by the user of this request."""
        obj.soft_delete(by=str(request.user.pk))

    def unhide(self, request: HttpRequest, obj: Any) -> None:
        """Take the mark off again."""
        obj.restore()

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """The rows themselves: nothing that refers to them goes with them."""
        shown = [str(obj) for obj in objs]
        return shown, {str(self.opts.verbose_name_plural): len(shown)}, set(), []

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What is deleted cannot be deleted once more."""
        if obj is not None and obj.deleted_at is not None:
            return False
        return bool(super().has_delete_permission(request, obj))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Hide the row."""
        self.hide(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        """Hide the rows, one by one, as if each had been deleted by hand."""
        for obj in queryset.filter(deleted_at__isnull=True):
            self.hide(request, obj)

    @action(description=_("Restore what was deleted"), permissions=["delete"])
    def restore(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        """Show deleted rows again."""
        restored = []
        for obj in queryset.filter(deleted_at__isnull=False):
            try:
                self.unhide(request, obj)
            except Conflict as refusal:  # raised before anything is written
                self.message_user(request, f"{obj}: {refusal.message}", messages.ERROR)
                continue
            restored.append(obj)
            self.log_change(request, obj, [{"changed": {"fields": [str(_("deleted"))]}}])
        messages.success(
            request,
            ngettext("%(n)d record restored.", "%(n)d records restored.", len(restored))
            % {"n": len(restored)},
        )


def link(url: str | None, text: str) -> str:
    """A link out of the admin, or a dash. Only web addresses become links."""
    if not url or not url.startswith(("https://", "http://")):
        return NOTHING
    return format_html('<a href="{}" target="_blank" rel="noopener">{}</a>', url, text)


def asking(
    title: _StrPromise,
    description: _StrPromise,
    *,
    submit: _StrPromise | None = None,
    form: type[BaseDialogForm] = BaseDialogForm,
) -> dict[str, Any]:
    """The dialog that asks before a button acts; `submit` is what its own button says."""
    return {
        "title": title,
        "description": description,
        "form_class": form,
        "form_submit_text": submit or title,
    }


def leave_dialog(page: str, pk: object) -> HttpResponse:
    """Have the browser leave a dialog for the page of a row, e.g. `admin:crm_lead_change`."""
    return HttpResponse(headers={"HX-Redirect": reverse(page, args=(pk,))})


class WorkFilter(DropdownFilter):
    """Rows whose job waits, or was given up."""

    title = _("work")
    parameter_name = "work"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, _StrPromise]]:
        """The kinds."""
        return [("behind", _("Waiting")), ("dead", _("Given up"))]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> models.QuerySet[Any]:
        """The rows of the chosen kind."""
        if self.value() == "behind":
            return queryset.behind()  # type: ignore[attr-defined, no-any-return]
        return queryset.filter(dead_at__isnull=False) if self.value() == "dead" else queryset


class WorkColumns:
    """Mixin of a page of rows a job works on: how the job stands, and who may start it."""

    opts: Any
    work_fields: ClassVar[tuple[str, ...]] = (
        "work_state",
        "attempts",
        "next_attempt_at",
        "dead_at",
        "last_error",
    )

    def has_operate_permission(self, request: HttpRequest, *args: Any) -> bool:
        """Who may start the job: whoever may change the row."""
        return bool(request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}"))

    @display(
        description=_("work"),
        label={"done": "success", "waiting": "info", "retrying": "warning", "dead": "danger"},
    )
    def work_state(self, obj: Any) -> Labelled:
        """Where the job stands with this row."""
        if obj.dead_at is not None:
            return Labelled("dead", _("Given up"))
        if obj.requested <= obj.applied:
            return Labelled("done", _("Done"))
        if obj.attempts:
            return Labelled("retrying", _("Trying again"))
        return Labelled("waiting", _("Waiting"))

    def start(self, request: HttpRequest, queryset: Any) -> None:
        """Ask for the work of these rows once more, at once, and say so."""
        started = queryset.run_again()
        messages.success(
            request,
            ngettext("%(n)d job requested.", "%(n)d jobs requested.", started) % {"n": started},
        )


class WorkAdmin(WorkColumns, ReadOnlyAdmin):
    """A list of rows a job works on: what is behind, what failed, and "run again"."""

    actions: ClassVar[list[str]] = ["run_again"]
    readonly_fields: ClassVar[tuple[str, ...]] = ("work_state",)

    @action(description=_("Run again"), permissions=["operate"])
    def run_again(self, request: HttpRequest, queryset: Any) -> None:
        """Start what was given up, and what waits for its next try, afresh."""
        self.start(request, queryset)
