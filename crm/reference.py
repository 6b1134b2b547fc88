"""The statuses and origins a new installation starts with (reference.json)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.apps.registry import Apps

TABLES = {"lead_statuses": "LeadStatus", "lead_origins": "LeadOrigin"}


def fill_empty_tables(apps: Apps, using: str, **_kwargs: Any) -> None:
    """After each migrate: fill what is empty. What people edited or removed stays so."""
    document = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    for table, model_name in TABLES.items():
        model = apps.get_model("crm", model_name)
        rows = model._default_manager.using(using)  # noqa: SLF001  (Django's documented attribute)
        if not rows.exists():
            rows.bulk_create([model(**row) for row in document[table]], ignore_conflicts=True)
