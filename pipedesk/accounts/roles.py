"""THE role table: what each role may do with what. API and admin both read it.

A resource is a noun of the contract; an action is what a request does to it. `change_own`
grants changing only what counts as the person's own (leads they own or nobody does, and what
is tied to their leads); the view or the admin page decides that per row.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from pipedesk.accounts.models import UserRole

if TYPE_CHECKING:
    from pipedesk.accounts.models import User

Role = UserRole.Role

VIEW = "view"
ADD = "add"
CHANGE = "change"
CHANGE_OWN = "change_own"
DELETE = "delete"
RESTORE = "restore"
CHANGE_OWNER = "change_owner"  # to anybody; taking an unowned lead oneself is change_own
PURGE = "purge"

_FULL = frozenset({VIEW, ADD, CHANGE, DELETE, RESTORE})
_RECORD = frozenset({VIEW, ADD, CHANGE_OWN})
_CHANGE_ANY = frozenset({VIEW, ADD, CHANGE, DELETE})
_READ = frozenset({VIEW})

_SALES: dict[str, frozenset[str]] = {
    "me": _READ,
    "user": _READ,
    "company": _RECORD,
    "contact": _RECORD,
    "lead": _RECORD,
    "deal": _RECORD,
    "tag": frozenset({VIEW, ADD}),
    "lead_status": _READ,
    "lead_origin": _READ,
    "timeline": _READ,
    # What a person may do inside a folder also depends on the entity it belongs to.
    "drive_file": frozenset({VIEW, ADD, CHANGE_OWN}),
    "drive_template": _READ,
    "calendar_event": frozenset({VIEW, ADD, CHANGE_OWN}),
}
_MANAGER: dict[str, frozenset[str]] = _SALES | {
    "company": _FULL,
    "contact": _FULL,
    "lead": _FULL | {CHANGE_OWNER},
    "deal": _FULL,
    "tag": _CHANGE_ANY,
    "audit_log": _READ,
    "priority_formula": _READ,
    "drive_file": _FULL,
    "drive_template": _CHANGE_ANY,
    "drive_channel": _CHANGE_ANY,
    "drive_change": _READ,
    "calendar_event": _CHANGE_ANY,
    "calendar": _CHANGE_ANY,
    "calendar_channel": _CHANGE_ANY,
    "status_page": _READ,
}
_ADMIN: dict[str, frozenset[str]] = _MANAGER | {
    "company": _FULL | {PURGE},
    "contact": _FULL | {PURGE},
    "lead": _FULL | {CHANGE_OWNER, PURGE},
    "deal": _FULL | {PURGE},
    "lead_status": _CHANGE_ANY,
    "lead_origin": _CHANGE_ANY,
    "priority_formula": frozenset({VIEW, CHANGE}),
    "user_role": _CHANGE_ANY,
    "staff": _CHANGE_ANY,
}
ROLES: Final[dict[str, dict[str, frozenset[str]]]] = {
    Role.ADMIN: _ADMIN,
    Role.MANAGER: _MANAGER,
    Role.SALES: _SALES,
}
# What a known person without any role may do.
WITHOUT_ROLE: Final[dict[str, frozenset[str]]] = {"me": _READ}
RESOURCES: Final = frozenset(_ADMIN)
ACTIONS: Final = frozenset().union(*_ADMIN.values(), {CHANGE_OWN})

# The tables behind each resource: where the admin's permissions come from.
MODELS: Final[dict[str, tuple[str, ...]]] = {
    "company": ("crm.company",),
    "contact": ("crm.contact",),
    "lead": ("crm.lead", "crm.leadtag", "crm.leadcontact"),
    "deal": ("crm.deal",),
    "tag": ("crm.tag",),
    "lead_status": ("crm.leadstatus",),
    "lead_origin": ("crm.leadorigin",),
    "priority_formula": ("crm.priorityformula",),
    "user_role": ("accounts.userrole",),
    "staff": (
        "accounts.user",
        "auth.group",
        "axes.accessattempt",
        "axes.accesslog",
        "axes.accessfailurelog",
    ),
    "audit_log": ("audit.auditlog",),
    "drive_file": ("gdrive.drivefile",),
    "drive_template": (
        "gdrive.drivestructuretemplate",
        "gdrive.drivestructurenode",
        "gdrive.drivetemplateplan",
    ),
    "drive_channel": (
        "gdrive.drivesyncstate",
        "gdrive.drivewebhookchannel",
        "gdrive.drivefoldertree",
        "gdrive.drivefileact",
        "webhooks.receipt",
        "webhooks.channelstop",
    ),
    "drive_change": ("gdrive.drivechangelog",),
    # Meetings too: the admin shows them whole, which is not for the sales team.
    "calendar": ("gcalendar.mirroredcalendar", "gcalendar.calendarevent"),
    "calendar_channel": ("gcalendar.calendarsyncstate",),
    "status_page": (
        "django_q.success",
        "django_q.failure",
        "django_q.ormq",
        "django_q.schedule",
    ),
}


class Grant(Enum):
    """How far an action reaches."""

    NONE = "none"
    OWN = "own"
    ALL = "all"


def granted(user: User, resource: str, action: str) -> Grant:
    """How far this user may do this; the user's role is read once per user object."""
    allowed = (ROLES[user.role] if user.role else WITHOUT_ROLE).get(resource, frozenset())
    if action in allowed:
        return Grant.ALL
    if action == CHANGE and CHANGE_OWN in allowed:
        return Grant.OWN
    return Grant.NONE
