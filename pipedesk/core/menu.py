"""The admin's menu: which pages stand together, for whom.

Pages are named, not imported: a room that is not installed, or that the user may not see,
leaves no dead entry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.http import HttpRequest

# Title -> (object of `app_label.ModelName`, icon). Icons are names of Material Symbols.
GROUPS: Final = (
    (
        _("Sales"),
        (
            ("crm.Lead", "filter_alt"),
            ("crm.Company", "apartment"),
            ("crm.Deal", "handshake"),
            ("crm.Contact", "contacts"),
            ("crm.Tag", "sell"),
        ),
    ),
    (
        _("Drive"),
        (
            ("gdrive.DriveFile", "description"),
            ("gdrive.DriveFolderTree", "account_tree"),
            ("gdrive.DriveFileAct", "pending_actions"),
            ("gdrive.DriveChangeLog", "history"),
            ("gdrive.DriveStructureTemplate", "folder_copy"),
            ("gdrive.DriveTemplatePlan", "rule_folder"),
            ("gdrive.DriveSyncState", "hard_drive"),
        ),
    ),
    (
        _("Calendar"),
        (
            ("gcalendar.CalendarEvent", "event"),
            ("gcalendar.MirroredCalendar", "calendar_month"),
        ),
    ),
    (
        _("Settings"),
        (
            ("crm.LeadStatus", "flag"),
            ("crm.LeadOrigin", "input"),
            ("crm.PriorityFormula", "functions"),
            ("accounts.User", "person"),
            ("accounts.UserRole", "badge"),
            ("auth.Group", "shield_person"),
        ),
    ),
    (
        _("Operation"),
        (
            ("audit.AuditLog", "fact_check"),
            ("gcalendar.CalendarSyncState", "cell_tower"),
            ("gdrive.DriveWebhookChannel", "cell_tower"),
            ("webhooks.Receipt", "notifications"),
            ("webhooks.ChannelStop", "notifications_off"),
            ("django_q.Failure", "error"),
            ("django_q.Success", "task_alt"),
            ("django_q.OrmQ", "hourglass_empty"),
            ("django_q.Schedule", "schedule"),
            ("axes.AccessLog", "login"),
            ("axes.AccessAttempt", "lock_clock"),
        ),
    ),
)


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The menu of this user, in the theme's shape."""
    pages = {
        f"{app['app_label']}.{page['object_name']}": page
        for app in admin.site.get_app_list(request)
        for page in app["models"]
        if page["admin_url"]
    }
    home = {"title": _("Overview"), "icon": "dashboard", "link": reverse("admin:index")}
    menu: list[dict[str, Any]] = [{"items": [home]}]
    for title, names in GROUPS:
        items = [
            {"title": pages[name]["name"], "icon": icon, "link": pages[name]["admin_url"]}
            for name, icon in names
            if name in pages
        ]
        if items:
            folded = title is GROUPS[-1][0]
            menu.append({"title": title, "separator": True, "collapsible": folded, "items": items})
    return menu
