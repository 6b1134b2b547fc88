"""Push messages in the admin."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.browsing import superuser
from webhooks.models import Receipt

pytestmark = pytest.mark.django_db


def test_receipts_are_shown_without_their_headers_and_never_edited() -> None:
    receipt = Receipt.objects.create(
        channel_id="c1",
        message_number=7,
        resource_id="r1",
        resource_state="exists",
        headers={"X": "canary"},
    )
    boss = superuser()
    page = reverse("admin:webhooks_receipt_change", args=(receipt.pk,))

    answer = boss.get(page)

    assert answer.status_code == 200
    assert b"canary" not in answer.content
    assert boss.post(page, {"channel_id": "c2"}).status_code == 403
    assert (
        boss.post(reverse("admin:webhooks_receipt_delete", args=(receipt.pk,))).status_code == 403
    )
