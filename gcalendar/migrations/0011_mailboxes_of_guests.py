"""Guests invited with a tag (`ana+crm@x.example`) are found at their mailbox, too."""

from django.db import migrations

CHUNK = 500


def add_mailboxes(apps, editor):
    for name in ("EventAttendee", "ArchivedAttendee"):
        model = apps.get_model("gcalendar", name)
        rows = []
        for row in model.objects.filter(email__contains="+").order_by("pk").iterator():
            local, _at, domain = row.email.rpartition("@")
            head = local.partition("+")[0]
            if head and head != local:
                rows.append(
                    model(
                        event_id=row.event_id,
                        email=f"{head}@{domain}",
                        response_status=row.response_status,
                    )
                )
        model.objects.bulk_create(rows, batch_size=CHUNK, ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [("gcalendar", "0010_what_people_say_of_meetings")]

    operations = [migrations.RunPython(add_mailboxes, migrations.RunPython.noop)]
