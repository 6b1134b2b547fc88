"""Where folder trees stand: names and keys of the places, and the root they grow from.

`<root>/Companies/<company>/01. Leads/Lead - <legal name>`, `…/02. Deals/Deal - <client name>`;
leads without a company in `<root>/Leads`, deals alike, contacts in `<root>/Contacts`.
"""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _

from pipedesk.core.exceptions import GiveUp

GOOGLE_ROOT_URL: Final = "https://www.googleapis.com"
ROOT_KEY: Final = "root"
# The name of an entity's own folder.
ROOT_PATTERNS: Final = {
    "company": "{{company_name}}",
    "lead": "Lead - {{lead_name}}",
    "deal": "Deal - {{deal_name}}",
    "contact": "{{contact_name}}",
}
# Folders below the root that belong to no entity.
SHARED_PLACES: Final = {
    "company": "Companies",
    "lead": "Leads",
    "deal": "Deals",
    "contact": "Contacts",
}
# Folders of a company that hold the folders of its leads and deals.
COMPANY_PLACES: Final = {"lead": "01. Leads", "deal": "02. Deals"}


def place_key(entity_type: str) -> str:
    """The key of the place where entities of this type stand."""
    return f"place:{entity_type}"


def root_folder_id() -> str:
    """The folder in which everything grows.

    Raises GiveUp when none is configured for the real Google; another Google (the sandbox)
    offers the top of its own drive.
    """
    if settings.DRIVE_ROOT_FOLDER_ID or settings.DRIVE_SHARED_DRIVE_ID:
        return str(settings.DRIVE_ROOT_FOLDER_ID or settings.DRIVE_SHARED_DRIVE_ID)
    if settings.GOOGLE_API_ROOT_URL.rstrip("/") == GOOGLE_ROOT_URL:
        raise GiveUp(_("DRIVE_ROOT_FOLDER_ID is not set: folders have no place to grow."))
    return "root"
