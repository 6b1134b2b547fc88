"""The statuses and origins a new installation starts with (reference.json)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.apps.registry import Apps
from django.apps.registry import apps as current_apps

TABLES = {"lead_statuses": "LeadStatus", "lead_origins": "LeadOrigin"}


def fill_empty_tables(using: str, apps: Apps = current_apps, **_kwargs: Any) -> None:
    """After each migrate and flush: fill what is empty; what people edited stays as it is."""
    document = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    for table, model_name in TABLES.items():
        model = apps.get_model("crm", model_name)
        rows = model._default_manager.using(using)  # noqa: SLF001  (Django's documented attribute)
        if not rows.exists():
            rows.bulk_create([model(**row) for row in document[table]], ignore_conflicts=True)
