"""Made-up data: reproducible, whole, and no trap for what runs on it."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import OrmQ

from crm.models import (
    Company,
    Contact,
    Deal,
    Interaction,
    Lead,
    LeadActivityStats,
    LeadContact,
    Tag,
)
from gcalendar.models import CalendarEvent, EventOccurrence, MirroredCalendar
from gdrive.models import DriveFile, DriveFolderTree
from pipedesk.accounts.models import User, UserRole
from pipedesk.demo.people import STAFF

pytestmark = pytest.mark.django_db


def seed(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("seed_demo", "--json", "--no-progress", *arguments, stdout=out)
    return dict(json.loads(out.getvalue()))


def proven() -> bool:
    """Whether the statistics stand a recomputation; the command exits with 1 where not."""
    call_command("rebuild_stats", "--check", "--no-progress", stdout=StringIO())
    return True


def picture() -> list[tuple[Any, ...]]:
    return list(
        Lead.objects.order_by("pk").values_list(
            "pk", "title", "owner__email", "lead_status__code", "priority_score", "address_city"
        )
    )


@time_machine.travel("2026-11-23T10:00:00+00:00", tick=False)
def test_the_same_seed_makes_the_same_leads_and_another_seed_others() -> None:
    seed("--leads", "30")
    first = picture()
    Lead.objects.all().delete()
    seed("--leads", "30")
    again = picture()
    seed("--leads", "30", "--seed", "2")

    assert first == again
    assert Lead.objects.count() == 60


def test_a_second_run_adds_nothing_and_changes_nothing() -> None:
    seed("--leads", "30")
    Lead.objects.update(title="Renamed by a person")
    counts = [model.objects.count() for model in (Lead, Contact, Company, Deal, Interaction, User)]

    seed("--leads", "30")

    assert counts == [
        model.objects.count() for model in (Lead, Contact, Company, Deal, Interaction, User)
    ]
    assert set(Lead.objects.values_list("title", flat=True)) == {"Renamed by a person"}


def test_once_leaves_an_installation_with_data_alone() -> None:
    Lead.objects.create(title="A customer's lead")

    assert seed("--once")["skipped"]
    assert Lead.objects.count() == 1
    assert not User.objects.exists()


def test_statistics_are_what_the_interactions_add_up_to() -> None:
    seed("--leads", "60")

    assert proven()
    with_history = Lead.objects.filter(interactions__isnull=False).distinct().count()
    assert LeadActivityStats.objects.count() == with_history > 40
    assert Lead.objects.filter(priority_score__gte=70).exists()


def test_each_lead_has_contacts_one_of_them_primary_and_every_fate_occurs() -> None:
    seed("--leads", "200")

    assert LeadContact.objects.filter(is_primary=True).count() == 200
    assert Tag.objects.filter(leads__isnull=False).exists()
    assert Deal.objects.exists()
    assert Lead.objects.filter(qualified_at__isnull=False).exists()
    assert Lead.objects.filter(disqualified_at__isnull=False).exists()
    assert Lead.objects.deleted().filter(qualified_at__isnull=True).exists()


def test_the_default_makes_nothing_that_google_would_have_to_know() -> None:
    seed()

    assert Lead.objects.count() == 120
    assert not CalendarEvent.objects.exists()
    assert not DriveFile.objects.exists()
    assert not OrmQ.objects.exists()


def test_meetings_and_files_stand_on_mirrors_that_no_job_follows() -> None:
    seed("--leads", "20", "--events", "40", "--files", "60")

    assert CalendarEvent.objects.count() == 40
    assert DriveFile.objects.exclude(parent_folder_id=None).count() == 60
    assert not MirroredCalendar.objects.enabled().exists()
    assert not DriveFolderTree.objects.behind().exists()
    held = EventOccurrence.objects.filter(start_time__lte=timezone.now()).count()
    ahead = LeadActivityStats.objects.filter(next_event_at__gt=timezone.now()).count()
    assert sum(row.total_events for row in LeadActivityStats.objects.all()) == held
    assert held < 40
    assert ahead > 0
    assert proven()


def test_the_demo_people_log_in_with_the_password_of_the_settings(settings: Any) -> None:
    settings.DEMO_PASSWORD = "of the settings"

    seed("--leads", "1")

    for email, _name, role in STAFF:
        user = User.objects.get(email=email)
        assert user.check_password("of the settings")
        assert (user.is_staff, user.is_superuser) == (True, False)
        assert UserRole.objects.of(user.pk).get().role == role
    assert not User.objects.filter(is_staff=False).exclude(password__startswith="!").exists()


def test_without_a_setting_a_random_password_is_printed_once(settings: Any) -> None:
    settings.DEMO_PASSWORD = ""
    first, second = StringIO(), StringIO()

    call_command("seed_demo", "--leads", "1", "--no-progress", stdout=first)
    call_command("seed_demo", "--leads", "1", "--no-progress", stdout=second)

    password = first.getvalue().rsplit("password: ", 1)[1].split()[0]
    assert User.objects.get(email="admin@pipedesk.example").check_password(password)
    assert "password" not in second.getvalue()


def test_a_dry_run_writes_nothing() -> None:
    seed("--leads", "5", "--dry-run")

    assert not Lead.objects.exists()
    assert not User.objects.exists()


def test_production_takes_no_demo_data(settings: Any) -> None:
    settings.PRODUCTION = True

    with pytest.raises(CommandError, match="production"):
        seed()


def test_ten_times_the_leads_take_hardly_more_statements() -> None:
    counts = []
    for size, number in ((40, "7"), (400, "8")):
        with CaptureQueriesContext(connection) as statements:
            seed("--leads", str(size), "--seed", number)
        counts.append(len(statements))

    # SQLite takes fewer values per statement, so that its share grows with the rows.
    assert counts[1] <= counts[0] * (3 if connection.vendor == "postgresql" else 10)


@pytest.mark.parametrize("clock", ["00:00:05", "02:59:00", "23:59:59"])
def test_nothing_happened_in_the_future_whatever_the_hour(clock: str) -> None:
    with time_machine.travel(f"2026-11-23T{clock}+00:00", tick=False):
        seed("--leads", "60")
        now = timezone.now()

    assert not Lead.objects.filter(
        Q(created_at__gt=now) | Q(updated_at__gt=now) | Q(last_interaction_at__gt=now)
    ).exists()
    assert not Interaction.objects.filter(occurred_at__gt=now).exists()
