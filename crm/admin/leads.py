"""Leads: the list sales people work from, and the form with tags and contacts."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.db import transaction
from django.db.models import Prefetch
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    DropdownFilter,
    RelatedDropdownFilter,
)
from unfold.decorators import display
from unfold.views import ChangeList

from crm import priority
from crm.admin.contact_rows import ContactInline
from crm.admin.lead_form import LeadForm
from crm.admin.lead_verbs import LeadVerbsAdmin
from crm.admin.own import reaches_own_only
from crm.admin.priority_fields import ClearsPriority
from crm.admin.reference import badge
from crm.lead_links import set_tags
from crm.models import Lead, LeadContact, Tag
from pipedesk.accounts.models import User
from pipedesk.core.dashboard import ago
from pipedesk.core.pages import NOTHING, Labelled

if TYPE_CHECKING:
    from django.db import models
    from django.http import HttpRequest
    from django.utils.functional import _StrPromise


class StateFilter(DropdownFilter):
    """The work list unless asked for others."""

    title = _("state")
    parameter_name = "state"
    all_option = ("", _("Open"))

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, _StrPromise]]:
        """The choices beside "open"."""
        return [
            ("disqualified", _("Disqualified")),
            ("qualified", _("Qualified")),
            ("deleted", _("Deleted")),
            ("all", _("All")),
        ]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Lead]
    ) -> models.QuerySet[Lead]:
        """The leads of the chosen state."""
        chosen = self.value()
        if chosen == "all":
            return queryset
        if chosen == "qualified":
            return queryset.filter(qualified_at__isnull=False)
        if chosen == "deleted":
            return queryset.filter(deleted_at__isnull=False, qualified_at__isnull=True)
        if chosen == "disqualified":
            return queryset.filter(deleted_at__isnull=True, disqualified_at__isnull=False)
        return queryset.in_work_list()  # type: ignore[attr-defined, no-any-return]


class BucketFilter(DropdownFilter):
    """Hot, warm or cold."""

    title = _("priority")
    parameter_name = "bucket"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, _StrPromise]]:
        """The buckets."""
        return [("hot", _("Hot")), ("warm", _("Warm")), ("cold", _("Cold"))]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Lead]
    ) -> models.QuerySet[Lead]:
        """The leads of the chosen bucket."""
        lowest, above = priority.BOUNDS.get(self.value() or "", (None, None))
        if lowest is not None:
            queryset = queryset.filter(priority_score__gte=lowest)
        return queryset if above is None else queryset.filter(priority_score__lt=above)


class OwnerFilter(DropdownFilter):
    """Mine, nobody's, or somebody's."""

    title = _("owner")
    parameter_name = "owner"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The caller, nobody, then everybody by name."""
        people = User.objects.filter(is_active=True).order_by("name", "pk")
        return [
            ("me", _("Me")),
            ("nobody", _("Nobody")),
            *((str(person.pk), str(person)) for person in people),
        ]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Lead]
    ) -> models.QuerySet[Lead]:
        """The leads of the chosen owner; of an owner who is not on offer, none."""
        chosen = self.value()
        if chosen == "me":
            return queryset.filter(owner=request.user.pk)
        if chosen == "nobody":
            return queryset.filter(owner__isnull=True)
        if not chosen:
            return queryset
        known = {value for value, _label in self.lookup_choices}
        return queryset.filter(owner=chosen) if chosen in known else queryset.none()


class LeadList(ChangeList):
    """A page of leads, with the tags and contacts of all its rows in two queries."""

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: Any = None
    ) -> models.QuerySet[Lead]:
        """The filtered leads."""
        contacts = LeadContact.objects.select_related("contact").order_by(
            "-is_primary", "added_at", "contact_id"
        )
        leads: models.QuerySet[Lead] = super().get_queryset(request, exclude_parameters)
        return leads.prefetch_related(
            "tags", Prefetch("leadcontact_set", contacts, to_attr="contact_rows")
        )


@admin.register(Lead)
class LeadAdmin(ClearsPriority, LeadVerbsAdmin):
    """Leads."""

    resource = "lead"
    form = LeadForm
    inlines = (ContactInline,)
    list_display = (
        "shown_title",
        "shown_status",
        "shown_priority",
        "owner",
        "primary_contact",
        "shown_tags",
        "heard_of",
    )
    list_display_links = ("shown_title",)
    list_select_related = ("lead_status", "owner")
    list_filter = (
        StateFilter,
        BucketFilter,
        ("lead_status", RelatedDropdownFilter),
        ("lead_origin", RelatedDropdownFilter),
        OwnerFilter,
        ("tags", AutocompleteSelectFilter),
    )
    ordering = ("-priority_score", "id")
    search_fields = ("title", "trade_name")
    search_help_text = _("Legal or trade name")
    autocomplete_fields = ("owner", "qualified_company", "qualified_master_deal")
    fieldsets = (
        (None, {"fields": (("title", "trade_name"), ("lead_status", "lead_origin"))}),
        (_("People and tags"), {"fields": (("owner", "priority_score"), "tag_list")}),
        (_("Where"), {"fields": (("address_city", "address_state"),)}),
        (
            _("What came of it"),
            {"fields": (("qualified_company", "qualified_master_deal"),)},
        ),
        (
            _("History"),
            {
                "fields": (
                    ("last_interaction_at", "created_at", "updated_at"),
                    ("qualified_at", "disqualified_at", "deleted_at"),
                    "disqualification_reason",
                ),
                "classes": ("collapse",),
            },
        ),
    )
    readonly_fields = (
        "last_interaction_at",
        "created_at",
        "updated_at",
        "qualified_at",
        "disqualified_at",
        "disqualification_reason",
        "deleted_at",
    )
    actions: ClassVar[list[str]] = ["restore"]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The list that brings tags and contacts along."""
        return LeadList

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Lead | None:
        """The lead, locked for a write: two forms cannot both give it a primary contact."""
        lead: Lead | None = super().get_object(request, object_id, from_field)
        if lead and request.method == "POST" and transaction.get_connection().in_atomic_block:
            Lead.objects.select_for_update(no_key=True).filter(pk=lead.pk).values("pk").get()
        return lead

    def get_form(
        self, request: HttpRequest, obj: Lead | None = None, change: bool = False, **kwargs: Any
    ) -> type[LeadForm]:
        """The form; whether a new tag may be made on the spot depends on the user."""
        form: type[LeadForm] = super().get_form(request, obj, change, **kwargs)
        if "tag_list" in form.base_fields:
            field = copy.deepcopy(form.base_fields["tag_list"])
            tags = self.admin_site.get_model_admin(Tag)
            field.widget.can_add_related = tags.has_add_permission(request)
            form.base_fields["tag_list"] = field
        return form

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Store the contacts, and the tags, which the form holds beside the columns."""
        super().save_related(request, form, formsets, change)
        if "tag_list" in form.cleaned_data:
            set_tags(form.instance, [tag.pk for tag in form.cleaned_data["tag_list"]])

    def is_own(self, request: HttpRequest, obj: Lead) -> bool:
        """Leads of one's own, and those of nobody."""
        return obj.owner_id in (None, request.user.pk)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """The sales team gives leads to nobody: it takes them by writing."""
        fixed: tuple[str, ...] = super().get_readonly_fields(request, obj)
        return (*fixed, "owner") if reaches_own_only(request, self.resource) else fixed

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Store the lead; the first write of the sales team makes its author the owner."""
        if obj.owner_id is None and reaches_own_only(request, self.resource):
            obj.owner = request.user
        super().save_model(request, obj, form, change)

    def hide(self, request: HttpRequest, obj: Lead) -> None:
        """Take the lead off the work list."""
        obj.soft_delete()

    def unhide(self, request: HttpRequest, obj: Lead) -> None:
        """Put it back; a qualified lead stays hidden."""
        if obj.qualified_at is None:
            obj.restore()

    @display(description=_("lead"), ordering="title")
    def shown_title(self, obj: Lead) -> str:
        """The legal name, and the trade name below it."""
        if not obj.trade_name:
            return obj.title
        return format_html("{}<span class='pd-second'>{}</span>", obj.title, obj.trade_name)

    @display(description=_("status"), ordering="lead_status__sort_order")
    def shown_status(self, obj: Lead) -> str:
        """The status in its colour."""
        return badge(obj.lead_status.label, obj.lead_status.color) if obj.lead_status else NOTHING

    @display(
        description=_("priority"),
        ordering="priority_score",
        label={"hot": "danger", "warm": "warning", "cold": "info"},
    )
    def shown_priority(self, obj: Lead) -> Labelled:
        """The score in the colour of its bucket."""
        return Labelled(priority.bucket(obj.priority_score), str(obj.priority_score))

    @display(description=_("primary contact"))
    def primary_contact(self, obj: Any) -> str:
        """The primary contact, else the first one added."""
        return obj.contact_rows[0].contact.name if obj.contact_rows else NOTHING

    @display(description=_("tags"))
    def shown_tags(self, obj: Lead) -> str:
        """The tags in their colours."""
        tags = ((badge(tag.name, tag.color),) for tag in obj.tags.all())
        return format_html_join(" ", "{}", tags) or NOTHING

    @display(description=_("last interaction"), ordering="last_interaction_at")
    def heard_of(self, obj: Lead) -> str:
        """How long ago the last interaction was; the moment itself on the form."""
        return ago(obj.last_interaction_at) or NOTHING

    @admin.display(description=_("tags"))
    def tag_list(self, obj: Lead) -> str:
        """The tags on the form of those who may only look."""
        return str(self.shown_tags(obj))
