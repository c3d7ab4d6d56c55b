"""Columns in the place of comparisons of templates, keys, recipients and times: the purpose and cause of a message, the
version of the appointment that it tells, further appointments, the offer. Filled in for existing messages where it is
known: by templates and keys, by the history, and by the calendar files of mails about several appointments."""

import re
from collections.abc import Iterator
from typing import Any

import django.db.models.deletion
from django.db import migrations, models

BATCH = 5000
# Template: kind and cause.
KNOWN = {
    "request_received": ("change", "requested"),
    "request_moved": ("change", "request_moved"),
    "confirmed": ("change", "confirmed"),
    "several_confirmed": ("change", "confirmed"),
    "rejected": ("change", "rejected"),
    "cancelled": ("change", "cancelled"),
    "several_cancelled": ("change", "cancelled"),
    "request_cancelled": ("change", "request_cancelled"),
    "moved": ("change", "moved"),
    "several_moved": ("change", "moved"),
    "missed": ("change", "missed"),
    "request_expired": ("change", "expired"),
    "zone_changed": ("change", "zone_changed"),
    "reminder": ("reminder", "reminder"),
    "waitlist_offer": ("offer", ""),
    "new_request": ("clinic", "requested"),
    "new_booking": ("clinic", "booked"),
    "cancelled_by_patient": ("clinic", "withdrawn"),
    "missed_by_patient": ("clinic", "missed"),
    "zone_changed_visit": ("clinic", "zone_changed"),
    "dead_letter": ("desk", ""),
    "sms_limit": ("desk", ""),
    "sms_received": ("desk", ""),
    "phone_code": ("account", ""),
    "password_reset": ("account", ""),
    "password_changed": ("account", ""),
    "email_changed": ("account", ""),
    "invitation": ("account", ""),
}
FOLDED = re.compile(r"\r?\n[ \t]")
UID = re.compile(r"^UID:appointment-(\d+)@", re.MULTILINE)
SEQUENCE = re.compile(r"^SEQUENCE:(\d+)", re.MULTILINE)


def _by_template(column: int) -> str:
    cases = " ".join(f"WHEN '{template}' THEN '{known[column]}'" for template, known in KNOWN.items())
    return f"CASE template {cases} ELSE '' END"


STATEMENTS = [
    f"UPDATE message SET kind = {_by_template(0)}, cause = {_by_template(1)} WHERE kind = ''",
    # template:appointment:start:version:channel or reader
    "UPDATE message"
    " SET appointment_version = CAST(SUBSTRING_INDEX(SUBSTRING_INDEX(unique_key, ':', 4), ':', -1) AS UNSIGNED)"
    " WHERE kind IN ('change', 'clinic') AND unique_key LIKE CONCAT(template, ':%%:%%:%%:%%')",
    "UPDATE message SET offer_id = CAST(SUBSTRING_INDEX(SUBSTRING_INDEX(unique_key, ':', 2), ':', -1) AS UNSIGNED)"
    " WHERE kind = 'offer' AND unique_key LIKE 'waitlist_offer:%%:%%'",
    # A mail in the place of an SMS tells what that told.
    "UPDATE message JOIN message AS sms ON sms.id = CAST(SUBSTRING_INDEX(message.unique_key, ':', -1) AS UNSIGNED)"
    " SET message.appointment_version = sms.appointment_version, message.offer_id = sms.offer_id"
    " WHERE message.unique_key LIKE 'instead-of:%%'",
    "UPDATE message SET appointment_version ="
    " (SELECT CAST(JSON_EXTRACT(event.snapshot, '$.version') AS UNSIGNED) FROM appointment_event AS event"
    " WHERE event.appointment_id = message.appointment_id AND event.at <= message.created_at"
    " ORDER BY event.at DESC, event.id DESC LIMIT 1)"
    " WHERE appointment_id IS NOT NULL AND appointment_version IS NULL",
]


def fill_in(apps: Any, schema_editor: Any) -> None:
    last = apps.get_model("outbox", "Message").objects.aggregate(last=models.Max("pk"))["last"] or 0
    with schema_editor.connection.cursor() as cursor:
        for statement in STATEMENTS:
            # In parts, so that a worker does not wait for all of them.
            for first in range(0, last, BATCH):
                cursor.execute(f"{statement} AND message.id > %s AND message.id <= %s", [first, first + BATCH])
    write_further_visits(apps)


def write_further_visits(apps: Any) -> None:
    """The calendar file of a mail names all of its appointments; an SMS of the same moment tells the same."""
    message_model, visit_model = apps.get_model("outbox", "Message"), apps.get_model("outbox", "MessageVisit")
    mails = message_model.objects.filter(template__startswith="several_", attachment__isnull=False)
    for mail in mails.only("template", "appointment_id", "created_at", "attachment").order_by("pk").iterator(200):
        further = [visit for visit in visits_in(mail.attachment["text"]) if visit[0] != mail.appointment_id]
        alike = message_model.objects.filter(
            appointment_id=mail.appointment_id, template=mail.template, created_at=mail.created_at
        )
        visit_model.objects.bulk_create(
            [
                visit_model(message_id=message_id, appointment_id=appointment_id, version=version)
                for message_id in alike.values_list("pk", flat=True)
                for appointment_id, version in further
            ],
            ignore_conflicts=True,
        )


def visits_in(ics: str) -> Iterator[tuple[int, int]]:
    """Appointment and version of each event."""
    for event in FOLDED.sub("", ics).replace("\r\n", "\n").split("BEGIN:VEVENT")[1:]:
        uid, sequence = UID.search(event), SEQUENCE.search(event)
        if uid is not None and sequence is not None:
            yield int(uid[1]), int(sequence[1])


class Migration(migrations.Migration):
    dependencies = [
        ("appointments", "0012_offset_at_the_start"),
        ("outbox", "0012_sms_refusals"),
        ("waitlist", "0001_entries_and_offers"),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="kind",
            field=models.CharField(
                blank=True,
                choices=[
                    ("change", "Change"),
                    ("reminder", "Reminder"),
                    ("day", "Day"),
                    ("offer", "Offer"),
                    ("clinic", "Clinic"),
                    ("desk", "Desk"),
                    ("account", "Account"),
                ],
                db_default="",
                default="",
                help_text="empty: of an earlier version, and not known",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="cause",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="the news of a visit, as `catalogue.News` names it; empty where the kind says enough",
                max_length=24,
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="appointment_version",
            field=models.PositiveIntegerField(
                help_text="of the appointment as it is told; empty: not known", null=True
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="replaced_by_version",
            field=models.PositiveIntegerField(
                help_text="of the appointment, when a change of it withdrew this message", null=True
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="offer",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="messages",
                to="waitlist.waitlistoffer",
            ),
        ),
        migrations.AlterField(
            model_name="message",
            name="template",
            field=models.CharField(help_text="its words", max_length=40),
        ),
        migrations.CreateModel(
            name="MessageVisit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "version",
                    models.PositiveIntegerField(help_text="as `appointment_version` of the message", null=True),
                ),
                (
                    "appointment",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="appointments.appointment",
                    ),
                ),
                (
                    "message",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="visits", to="outbox.message"
                    ),
                ),
            ],
            options={
                "db_table": "message_visit",
                "constraints": [models.UniqueConstraint(fields=("message", "appointment"), name="message_visit_once")],
            },
        ),
        migrations.RunPython(fill_in, migrations.RunPython.noop),
    ]
