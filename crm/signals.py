"""Facts of the CRM that higher apps may react to. Sent inside the writing transaction."""

from django.dispatch import Signal

# A lead, company, deal or contact was created. Arguments: entity_type ("lead", "company",
# "deal", "contact") and entity_id (UUID).
entity_created = Signal()

# Its name, or something its folder's place depends on, changed. Same arguments.
entity_renamed = Signal()

# A lead became a deal. Arguments: lead (Lead, as stored), user_id (UUID or None).
lead_qualified = Signal()

# It is a lead again. Arguments: lead (Lead, as stored), user_id (UUID or None), deal_id (UUID or
# None: the deal it no longer belongs to, which stays).
lead_unqualified = Signal()
