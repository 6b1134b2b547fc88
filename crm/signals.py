"""Facts of the CRM that higher apps may react to. Sent inside the writing transaction."""

from django.dispatch import Signal

# A lead, company, deal or contact was created. Arguments: entity_type ("lead", "company",
# "deal", "contact") and entity_id (UUID).
entity_created = Signal()

# Its name, or something its folder's place depends on, changed. Same arguments.
entity_renamed = Signal()

# Something else changed that names of folders may show: the owner, the city, the role. Same
# arguments, and columns (a frozenset of the model's attribute names).
entity_described = Signal()

# Of two records of one type one was merged into the other. Arguments: entity_type ("lead",
# "company", "contact"), kept_id and merged_id (UUIDs), notes (a dict of plain values, which a
# receiver may fill under its app's name: it comes back when the merge is taken back).
records_merged = Signal()

# A merge was taken back: both records exist again. Same arguments.
merge_undone = Signal()

# A lead became a deal. Arguments: lead (Lead, as stored), user_id (UUID or None).
lead_qualified = Signal()

# It is a lead again. Arguments: lead (Lead, as stored), user_id (UUID or None), deal_id (UUID or
# None: the deal it no longer belongs to, which stays).
lead_unqualified = Signal()
