"""The priority on the lead's form: set by hand, or left to the formula again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin.utils import flatten_fieldsets
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldBooleanSwitchWidget

from crm.models import Lead
from crm.priority import MAX_SCORE
from pipedesk.accounts.models import User

if TYPE_CHECKING:
    from django.http import HttpRequest

CLEAR = "clear_priority"


class PriorityForm(forms.ModelForm):  # type: ignore[type-arg]
    """A score that is typed is one set by hand; it can be taken back."""

    clear_priority = forms.BooleanField(
        label=_("Leave the priority to the formula again"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        score = self.fields.get("priority_score")
        if score is not None:
            # The score moves by itself while somebody looks at the form.
            score.show_hidden_initial = True
            score.validators += [MinValueValidator(0), MaxValueValidator(MAX_SCORE)]
            score.help_text = _("Follows the formula until somebody types another score here.")
        self.fields[CLEAR].help_text = set_by(self.instance)

    def clean_priority_score(self) -> int:
        """The score as typed; left as it was shown, it stays what it is by now."""
        typed: int = self.cleaned_data["priority_score"]
        shown = self.data.get(self.add_initial_prefix("priority_score"))
        return self.instance.priority_score if shown == str(typed) else typed

    def save(self, commit: bool = True) -> Any:
        """The lead, its priority taken back where that was asked."""
        if self.cleaned_data.get(CLEAR):
            self.instance.clear_priority()
        return super().save(commit)


def set_by(lead: Lead) -> str:
    """Who set the priority, and when; empty where nobody did."""
    if lead.manual_priority_at is None:
        return ""
    by = lead.manual_priority_by
    person = User.objects.filter(pk=by).first() if by else None
    return gettext("Set to %(score)d by %(who)s, %(when)s") % {
        "score": lead.manual_priority_score,
        "who": person or gettext("somebody"),
        "when": date_format(localtime(lead.manual_priority_at), "SHORT_DATETIME_FORMAT"),
    }


class ClearsPriority:
    """Offers the switch where there is something to take back, to those who may."""

    def get_fieldsets(self, request: HttpRequest, obj: Lead | None = None) -> Any:
        """The page's own, with the switch beside the score."""
        own: Any = super().get_fieldsets(request, obj)  # type: ignore[misc]
        is_set = obj is not None and obj.manual_priority_score is not None
        may = self.has_change_permission(request, obj)  # type: ignore[attr-defined]
        if not (is_set and may) or "priority_score" not in flatten_fieldsets(own):
            return own
        return [(title, options | {"fields": _beside(options["fields"])}) for title, options in own]


def _beside(rows: Any) -> tuple[Any, ...]:
    found: list[Any] = []
    for row in rows:
        found.append(row)
        if "priority_score" in (row if isinstance(row, tuple) else (row,)):
            found.append(CLEAR)
    return tuple(found)
