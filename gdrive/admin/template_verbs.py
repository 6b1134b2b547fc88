"""Buttons of folder templates: preview, plan, copy, export, import, going back to a version."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import Http404, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from gdrive import (
    entities,
    plan_commands,
    samples,
    template_documents,
    template_preview,
    templating,
    versions,
)
from gdrive.models import DriveStructureTemplate
from gdrive.template_serializers import ImportSerializer
from pipedesk.core.pages import BaseAdmin, asking, leave_dialog

if TYPE_CHECKING:
    from django.http import HttpRequest

PAGE = "admin:gdrive_drivestructuretemplate_change"


class CloneForm(BaseDialogForm):
    """What the copy is called."""

    name = forms.CharField(
        label=_("Name"), max_length=200, required=False, widget=UnfoldAdminTextInputWidget
    )

    def clean_name(self) -> str:
        """Names are unique."""
        name = str(self.cleaned_data["name"])
        if DriveStructureTemplate.objects.filter(name=name).exists():
            raise ValidationError(_("There is a template of this name."))
        return name


class ImportForm(BaseDialogForm):
    """An exported template, pasted."""

    document = forms.CharField(
        label=_("Exported template (JSON)"), widget=UnfoldAdminTextareaWidget(attrs={"rows": 12})
    )

    def clean_document(self) -> dict[str, Any]:
        """The document, checked by the rules of the API."""
        try:
            body = ImportSerializer(data=json.loads(self.cleaned_data["document"]))
        except ValueError:
            raise ValidationError(_("This is no JSON.")) from None
        if not body.is_valid():
            raise ValidationError([str(text) for text in _texts(body.errors)])
        return dict(body.validated_data)


class RestoreForm(BaseDialogForm):
    """The number of a version that was kept."""

    version = forms.IntegerField(
        label=_("Version"), min_value=1, max_value=2**31 - 1, widget=UnfoldAdminTextInputWidget
    )


class TemplateVerbsAdmin(BaseAdmin):
    """The verbs of the API on the template's page."""

    actions_list = ("import_document",)
    actions_detail = ("look", "kept_versions", "draw_plan", "clone", "export", "restore_version")

    @action(description=_("Preview"), icon="visibility", permissions=["view"])
    def look(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The names a record gets: the longest one, the emptiest one, or one that is named."""
        template = self._template(request, object_id)
        kind, asked = template.entity_type, request.GET.get("entity_id", "")
        sample = request.GET.get("sample", samples.LONGEST)
        entity = entities.find(kind, asked) if asked else None
        if asked and entity is None:
            messages.error(request, gettext("There is no such record."))
        elif not asked and sample in samples.KINDS:
            entity = samples.find(kind, sample)
        nodes = versions.nested(template.nodes.all())
        shown = template_preview.preview(kind, nodes, entity)
        more = {"shown": shown, "sample": sample, "asked": asked}
        return self._page(request, template, "admin/template_preview.html", more)

    @action(description=_("Versions"), icon="history", permissions=["view"])
    def kept_versions(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What the template said before."""
        template = self._template(request, object_id)
        rows = template.versions.select_related("edited_by")[:100]
        return self._page(request, template, "admin/template_versions.html", {"versions": rows})

    @action(
        description=_("Plan"),
        icon="rule_folder",
        permissions=["change"],
        dialog=asking(
            _("Plan what this template changes in existing folders?"),
            _("Nothing is changed yet: you see what would happen, and why."),
            submit=_("Plan"),
        ),
    )
    def draw_plan(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Compare every record with the template, and show the plan."""
        user: Any = request.user
        plan = plan_commands.draw(self._template(request, object_id), user)
        return leave_dialog("admin:gdrive_drivetemplateplan_change", plan.pk)

    @action(
        description=_("Copy"),
        icon="content_copy",
        permissions=["add"],
        dialog=asking(
            _("Copy this template?"),
            _("The copy is not active. Without a name it is called “Copy of …”."),
            submit=_("Copy"),
            form=CloneForm,
        ),
    )
    def clone(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Make another template with the same folders."""
        user: Any = request.user
        with transaction.atomic():
            templating.lock()
            template = self._template(request, object_id)
            copy = templating.clone(template, form.cleaned_data["name"], user)
            self.log_addition(request, copy, str(_("Copied")))
        return leave_dialog(PAGE, copy.pk)

    @action(description=_("Export"), icon="download", permissions=["view"])
    def export(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The template as a file for another installation."""
        template = self._template(request, object_id)
        headers = {"Content-Disposition": template_documents.disposition(template)}
        options = {"ensure_ascii": False, "indent": 2}
        document = template_documents.export(template)
        return JsonResponse(document, headers=headers, json_dumps_params=options)

    @action(
        description=_("Restore a version"),
        icon="undo",
        permissions=["change"],
        dialog=asking(
            _("Go back to which version?"),
            _("Its folders become the template's next version; see Versions."),
            submit=_("Restore"),
            form=RestoreForm,
        ),
    )
    def restore_version(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Give the template the folders of an older version again."""
        user: Any = request.user
        with transaction.atomic():
            templating.lock()
            template = self._template(request, object_id)
            kept = template.versions.filter(version=form.cleaned_data["version"]).first()
            if kept is None:
                messages.error(request, gettext("There is no such version."))
            else:
                templating.restore(template, kept.document, user)
                self.log_change(request, template, str(_("Restored a version")))
        return leave_dialog(PAGE, object_id)

    @action(
        description=_("Import"),
        icon="upload",
        permissions=["add"],
        dialog=asking(
            _("Import a template"),
            _("It is not active unless the document says so."),
            submit=_("Import"),
            form=ImportForm,
        ),
    )
    def import_document(self, request: HttpRequest, form: Any) -> HttpResponse:
        """Make a template of an exported document."""
        user: Any = request.user
        with transaction.atomic():
            templating.lock()
            template = template_documents.read(form.cleaned_data["document"], user)
            self.log_addition(request, template, str(_("Imported")))
        return leave_dialog(PAGE, template.pk)

    # The theme hands over the row's id; a copy or a look does not depend on the row.

    def has_add_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Whoever may add templates."""
        return bool(super().has_add_permission(request))

    def _template(self, request: HttpRequest, object_id: str) -> DriveStructureTemplate:
        template = self.get_object(request, object_id)
        if template is None:
            raise Http404
        if not self.has_view_permission(request, template):
            raise PermissionDenied
        return template  # type: ignore[no-any-return]

    def _page(
        self,
        request: HttpRequest,
        template: DriveStructureTemplate,
        page: str,
        more: dict[str, Any],
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": str(template),
            "opts": self.opts,
            "template_row": template,
            **more,
        }
        return TemplateResponse(request, page, context)


def _texts(faults: Any) -> list[Any]:
    """The texts of nested faults."""
    if isinstance(faults, dict):
        return [f"{name}: {text}" for name, inner in faults.items() for text in _texts(inner)]
    if isinstance(faults, list):
        return [text for inner in faults for text in _texts(inner)]
    return [faults]
