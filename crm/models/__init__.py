"""The nouns of the CRM."""

from crm.models.activity import Interaction, LeadActivityStats
from crm.models.announcement import Announcement
from crm.models.company import Company
from crm.models.contact import Contact
from crm.models.deal import Deal
from crm.models.formula import PriorityFormula
from crm.models.lead import Lead, LeadContact, LeadTag
from crm.models.merge import Merge
from crm.models.reference import LeadOrigin, LeadStatus
from crm.models.tag import Tag

__all__ = [
    "Announcement",
    "Company",
    "Contact",
    "Deal",
    "Interaction",
    "Lead",
    "LeadActivityStats",
    "LeadContact",
    "LeadOrigin",
    "LeadStatus",
    "LeadTag",
    "Merge",
    "PriorityFormula",
    "Tag",
]
