"""The CRM's admin pages."""

from crm.admin import overview
from crm.admin.formula import PriorityFormulaAdmin
from crm.admin.leads import LeadAdmin
from crm.admin.records import CompanyAdmin, ContactAdmin, DealAdmin
from crm.admin.reference import LeadOriginAdmin, LeadStatusAdmin, TagAdmin

__all__ = [
    "CompanyAdmin",
    "ContactAdmin",
    "DealAdmin",
    "LeadAdmin",
    "LeadOriginAdmin",
    "LeadStatusAdmin",
    "PriorityFormulaAdmin",
    "TagAdmin",
    "overview",
]
