"""A calendar's name of each appointment is kept in its row. Existing rows keep the name that was sent: by the calendar
files of the message log, else as it was made until now, of the number and the host of PUBLIC_URL or of the sender."""

import re
from collections.abc import Iterator
from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import migrations, models

from clinic.appointments.calendar_uids import new_calendar_uid

# Each row that changes takes the clinic's next number, which stays locked until the statement's end.
BATCH = 500
FOLDED = re.compile(r"\r?\n[ \t]")
UID = re.compile(r"^UID:(appointment-(\d+)@\S+)", re.MULTILINE)


def former_host() -> str:
    public_url = settings.SHARED.public_url
    sender = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    return (urlsplit(public_url).hostname if public_url else None) or sender.rpartition("@")[2] or "localhost"


def fill_in(apps: Any, schema_editor: Any) -> None:
    appointment, host = apps.get_model("appointments", "Appointment"), former_host()
    last = appointment.objects.aggregate(last=models.Max("pk"))["last"] or 0
    with schema_editor.connection.cursor() as cursor:
        for clinic_id in apps.get_model("scheduling", "Clinic").objects.values_list("pk", flat=True):
            rows = appointment.objects.filter(clinic_id=clinic_id, pk__lte=last).order_by("pk")
            for first_id, last_id in batches(list(rows.values_list("pk", flat=True))):
                cursor.execute(
                    "UPDATE appointment SET calendar_uid = CONCAT('appointment-', id, '@', %s)"
                    " WHERE clinic_id = %s AND id BETWEEN %s AND %s",
                    [host, clinic_id, first_id, last_id],
                )
    for appointment_id, uid in sent_uids(apps).items():
        if uid != f"appointment-{appointment_id}@{host}":
            appointment.objects.filter(pk=appointment_id).update(calendar_uid=uid)


def batches(ids: list[int]) -> Iterator[tuple[int, int]]:
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        yield batch[0], batch[-1]


def sent_uids(apps: Any) -> dict[int, str]:
    """By appointment, the newest that was sent."""
    mails = apps.get_model("outbox", "Message").objects.filter(channel="email", state="sent", attachment__isnull=False)
    found: dict[int, str] = {}
    for attachment in mails.order_by("pk").values_list("attachment", flat=True).iterator(500):
        found |= {int(number): uid for uid, number in UID.findall(FOLDED.sub("", attachment["text"]))}
    return found


class Migration(migrations.Migration):
    dependencies = [
        ("appointments", "0014_patient_phone_extension"),
        ("outbox", "0005_language_and_attachment"),
    ]

    operations = [
        # Without a default: MySQL adds no column whose default is another one each time.
        migrations.AddField(
            model_name="appointment",
            name="calendar_uid",
            field=models.CharField(db_collation="utf8mb4_bin", editable=False, max_length=255, null=True),
        ),
        migrations.RunPython(fill_in, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="appointment",
            name="calendar_uid",
            field=models.CharField(
                db_collation="utf8mb4_bin",
                db_default=models.Func(function="UUID"),
                default=new_calendar_uid,
                editable=False,
                help_text="by which calendars know it, for good",
                max_length=255,
                unique=True,
            ),
        ),
    ]
