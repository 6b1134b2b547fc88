"""Whether what PipeDesk shows is what Google has, nothing missing and nothing twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from tests.chaos.ground import Ground
from tests.e2e.product import Product

ANA = "ana@pipedesk.example"  # as whom the product asks unless told otherwise
Files = dict[str, tuple[str, str | None]]  # id -> (name, parent)


def all_pages(
    product: Product, path: str, key: str, params: dict[str, str]
) -> list[dict[str, Any]]:
    """A whole list of Google's."""
    found: list[dict[str, Any]] = []
    token = ""
    while True:
        page = product.in_google(
            "GET", path, params={**params, **({"pageToken": token} if token else {})}
        )
        found += page[key]
        token = page.get("nextPageToken", "")
        if not token:
            return found


def meetings_in_google(product: Product, subjects: Iterable[str]) -> dict[tuple[str, str], str]:
    """(whose, id) -> version, of every meeting in their calendars that is not cancelled."""
    path = "/calendar/v3/calendars/primary/events"
    return {
        (subject, event["id"]): event["etag"]
        for subject in subjects
        for event in all_pages(product, path, "items", {"quotaUser": subject})
    }


def meetings_in_mirror(ground: Ground) -> Counter[tuple[tuple[str, str], str]]:
    """The same as the mirror has it, each as often as it is there."""
    rows = ground.rows(
        "SELECT c.subject, a.google_event_id, a.etag FROM calendar_event_appearances a"
        " JOIN calendars c ON c.id = a.mirrored_calendar_id WHERE a.status <> 'cancelled'"
    )
    return Counter(((subject or ANA, event), etag) for subject, event, etag in rows)


def _below(files: Files, roots: set[str]) -> Files:
    """Those of the files that hang below the roots."""
    seen: Files = {}
    level = roots
    while level:
        found = {key: file for key, file in files.items() if file[1] in level and key not in seen}
        seen |= found
        level = set(found)
    return seen


def unlike(ground: Ground) -> dict[str, int]:
    """How many rows differ between Google and the mirror; all zero when they agree."""
    google = Counter(meetings_in_google(ground.product, (ANA, *ground.channels)).items())
    mirror = meetings_in_mirror(ground)
    roots = {folder for (folder,) in ground.rows(
        "SELECT folder_id FROM google_drive_folders WHERE deleted_at IS NULL")}  # fmt: skip
    shown = all_pages(
        ground.product, "/drive/v3/files", "files",
        {"q": "trashed = false", "pageSize": "1000",
         "fields": "nextPageToken,files(id,name,parents)"},
    )  # fmt: skip
    there = _below({f["id"]: (f["name"], (f.get("parents") or [None])[0]) for f in shown}, roots)
    here = _below({
        file: (name, parent) for file, name, parent in ground.rows(
            "SELECT file_id, name, parent_folder_id FROM drive_files WHERE deleted_at IS NULL"
            " AND trashed_at IS NULL AND unavailable_at IS NULL")
    }, roots)  # fmt: skip
    return {
        "meetings": sum(((google - mirror) + (mirror - google)).values()),
        "files": len(set(there.items()) ^ set(here.items())),
    }


def leads_without_one_folder(ground: Ground) -> int:
    """Leads with no folder in Drive, or more than one."""
    folders = Counter(
        file["name"]
        for file in all_pages(
            ground.product, "/drive/v3/files", "files",
            {"q": "trashed = false and name contains 'Lead - '", "pageSize": "1000"},
        )
    )  # fmt: skip
    names = [name for (name,) in ground.rows("SELECT legal_name FROM leads")]
    return sum(folders[f"Lead - {name}"] != 1 for name in names)
