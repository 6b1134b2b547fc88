"""What a new installation starts with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crm import reference
from crm.models import LeadOrigin, LeadStatus

pytestmark = pytest.mark.django_db


def test_a_new_installation_has_the_statuses_and_origins() -> None:
    document = json.loads(Path(reference.__file__).with_suffix(".json").read_text())
    for table, model in (("lead_statuses", LeadStatus), ("lead_origins", LeadOrigin)):
        names = document[table][0].keys()
        assert list(model.objects.values(*names)) == document[table]
    assert LeadStatus.objects.filter(code=LeadStatus.QUALIFIED).exists()


def test_what_people_edited_or_removed_stays_so() -> None:
    LeadStatus.objects.filter(code="new").update(label="Fresh")
    LeadStatus.objects.filter(code="lost").delete()
    reference.fill_empty_tables(using="default")
    assert LeadStatus.objects.get(code="new").label == "Fresh"
    assert not LeadStatus.objects.filter(code="lost").exists()
