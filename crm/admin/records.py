"""Companies, contacts and deals."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from crm.admin.own import OwnRowsAdmin
from crm.models import Company, Contact, Deal
from pipedesk.core.pages import DeletedFilter, ReadOnlyInline

WRITTEN = ("created_at", "updated_at")
DELETED = ("deleted_at", "deleted_by", "delete_reason")
HISTORY = (
    _("History"),
    {"fields": (*WRITTEN, *DELETED), "classes": ("collapse",)},
)


class CompanyDealInline(ReadOnlyInline):
    """The company's deals."""

    model = Deal
    fields = ("title", "created_at", "deleted_at")
    show_change_link = True


@admin.register(Company)
class CompanyAdmin(OwnRowsAdmin):
    """Companies."""

    resource = "company"
    list_display = ("name", "created_at", "updated_at")
    list_filter = (DeletedFilter,)
    search_fields = ("name",)
    fieldsets = ((None, {"fields": ("name",)}), HISTORY)
    readonly_fields = (*WRITTEN, *DELETED)
    inlines = (CompanyDealInline,)


@admin.register(Contact)
class ContactAdmin(OwnRowsAdmin):
    """Contact persons."""

    resource = "contact"
    list_display = ("name", "role", "email", "phone", "updated_at")
    list_filter = (DeletedFilter,)
    search_fields = ("name", "email")
    search_help_text = _("Name or e-mail")
    fieldsets = ((None, {"fields": ("name", "role", "email", "phone")}), HISTORY)
    readonly_fields = (*WRITTEN, *DELETED)


@admin.register(Deal)
class DealAdmin(OwnRowsAdmin):
    """Deals."""

    resource = "deal"
    list_display = ("title", "company", "created_at", "updated_at")
    list_select_related = ("company",)
    list_filter = (DeletedFilter, ("company", AutocompleteSelectFilter))
    search_fields = ("title",)
    autocomplete_fields = ("company",)
    fieldsets = ((None, {"fields": ("title", "company")}), HISTORY)
    readonly_fields = (*WRITTEN, *DELETED)
