"""Buttons on a folder tree's page: one for each thing that can be wrong with it.

What is wrong is read from the mirror; the buttons write rows, the tree's job asks Google.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextInputWidget

from gdrive import checking, entities, journal, repair, takeover
from gdrive.checking import Finding, Kind
from gdrive.models import DriveFolderTree
from pipedesk.core.exceptions import Conflict, GiveUp, InvalidInput
from pipedesk.core.pages import NOTHING, WorkAdmin, asking, leave_dialog
from pipedesk.google.errors import GoogleError

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

PAGE = "admin:gdrive_drivefoldertree_change"


class AdoptForm(BaseDialogForm):
    """Which folder becomes the record's own."""

    folder_url = forms.CharField(
        label=_("Address of the folder"), max_length=2000, widget=UnfoldAdminTextInputWidget()
    )


class TreeVerbsAdmin(WorkAdmin):
    """What is wrong with a tree, and the buttons that mend it."""

    actions_detail = ("again", "restore", "recreate", "keep", "take_back", "adopt")

    @display(description=_("in Drive"))
    def shown_findings(self, obj: DriveFolderTree) -> str:
        """What differs between the tree and the mirror."""
        rows = (
            (finding.kind.label, finding.name, finding.now) for finding in checking.from_mirror(obj)
        )
        text = format_html_join("", "<li>{}: {} {}</li>", rows)
        return format_html("<ul>{}</ul>", text) if text else NOTHING

    @action(
        description=_("Run again"),
        permissions=["again"],
        dialog=asking(_("Run again"), _("The tree's job starts afresh.")),
    )
    def again(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Start what was given up."""
        return self._mend(request, object_id, Kind.STUCK)

    @action(
        description=_("Take out of the trash"),
        permissions=["restore"],
        dialog=asking(_("Take out of the trash"), _("What went along with it comes back too.")),
    )
    def restore(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Restore what lies in the trash."""
        return self._mend(request, object_id, Kind.TRASHED)

    @action(
        description=_("Make anew"),
        permissions=["recreate"],
        dialog=asking(
            _("Make anew"),
            _("An empty folder takes the place of the one that is gone, or that we cannot see."),
        ),
    )
    def recreate(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Make anew what is gone."""
        return self._mend(request, object_id, Kind.GONE)

    @action(
        description=_("Keep people's names and places"),
        permissions=["keep"],
        dialog=asking(
            _("Keep people's names and places"), _("No change of the record moves them any more.")
        ),
    )
    def keep(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Accept how people named and placed the folders."""
        return self._mend(request, object_id, Kind.RENAMED, Kind.MOVED)

    @action(
        description=_("Give our names and places"),
        permissions=["keep"],
        dialog=asking(
            _("Give our names and places"), _("The folders are renamed and moved back in Drive.")
        ),
    )
    def take_back(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Undo how people named and placed the folders."""
        return self._mend(request, object_id, Kind.RENAMED, Kind.MOVED, take_back=True)

    @action(
        description=_("Adopt a folder"),
        permissions=["adopt"],
        dialog=asking(
            _("Adopt a folder"),
            _("It becomes the record's own, with all it holds, and keeps its name and place."),
            form=AdoptForm,
        ),
    )
    def adopt(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Let an existing folder become the record's own."""
        tree = DriveFolderTree.objects.get(pk=object_id)
        url = form.cleaned_data["folder_url"]
        try:
            takeover.order(tree.entity_type, tree.entity_id, folder_url=url)
        except (Conflict, InvalidInput) as refusal:
            messages.error(request, refusal.message)
        except (GoogleError, GiveUp) as failure:
            messages.error(request, str(failure))
        else:
            self._done(request, tree)
        return leave_dialog(PAGE, object_id)

    def has_again_permission(self, request: HttpRequest, object_id: str) -> bool:
        """While it is given up."""
        return self._finds(request, object_id, Kind.STUCK)

    def has_restore_permission(self, request: HttpRequest, object_id: str) -> bool:
        """While a folder lies in the trash."""
        return self._finds(request, object_id, Kind.TRASHED)

    def has_recreate_permission(self, request: HttpRequest, object_id: str) -> bool:
        """While a folder is gone."""
        return self._finds(request, object_id, Kind.GONE)

    def has_keep_permission(self, request: HttpRequest, object_id: str) -> bool:
        """While a person's name or place is not accepted."""
        return self._finds(request, object_id, Kind.RENAMED, Kind.MOVED)

    def has_adopt_permission(self, request: HttpRequest, object_id: str) -> bool:
        """While the record has no folder."""
        tree = DriveFolderTree.objects.filter(pk=object_id).first()
        return (
            self.has_operate_permission(request)
            and tree is not None
            and not journal.is_planned(tree)
            and entities.exists(tree.entity_type, tree.entity_id)
        )

    def _finds(self, request: HttpRequest, object_id: str, *kinds: Kind) -> bool:
        if not self.has_operate_permission(request):
            return False
        known: dict[str, set[Kind]] = request.__dict__.setdefault("_findings_of_buttons", {})
        if object_id not in known:
            known[object_id] = {finding.kind for finding in self._findings(object_id)}
        return not known[object_id].isdisjoint(kinds)

    def _findings(self, object_id: str) -> list[Finding]:
        tree = DriveFolderTree.objects.filter(pk=object_id).first()
        return checking.from_mirror(tree) if tree is not None else []

    def _mend(
        self, request: HttpRequest, object_id: str, *kinds: Kind, take_back: bool = False
    ) -> HttpResponse:
        chosen = [finding for finding in self._findings(object_id) if finding.kind in kinds]
        repair.ask(chosen, take_back=take_back)
        if chosen and chosen[0].tree is not None:
            self._done(request, chosen[0].tree)
        return leave_dialog(PAGE, object_id)

    def _done(self, request: HttpRequest, tree: DriveFolderTree) -> None:
        self.log_change(request, tree, str(_("asked for in Drive")))
        messages.success(request, _("It is asked for: the workers do it."))
