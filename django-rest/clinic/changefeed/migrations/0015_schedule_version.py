"""A number for each clinic that rises when hours, closures, services or practitioners change, and who offers what.

Every such change takes the next number of its clinic, too, so that the stream hears of it.
"""

from importlib import import_module

from django.db import migrations, models

numbered = import_module("clinic.changefeed.migrations.0002_triggers_number_every_change").numbered

OF_PRACTITIONER = "(SELECT practitioner.clinic_id FROM practitioner WHERE practitioner.id = {row}.practitioner_id)"
OF_SERVICE = "(SELECT service.clinic_id FROM service WHERE service.id = {row}.service_id)"
EVERY = None
# The table, how a row leads to its clinic, and the columns that count in an update.
WATCHED: list[tuple[str, str, tuple[str, ...] | None]] = [
    ("working_block", OF_PRACTITIONER, EVERY),
    ("schedule_exception", "{row}.clinic_id", EVERY),
    ("service_practitioners", OF_SERVICE, EVERY),
    (
        "service",
        "{row}.clinic_id",
        ("name", "duration_minutes", "buffer_before_minutes", "buffer_after_minutes", "active"),
    ),
    ("practitioner", "{row}.clinic_id", ("name", "specialisation", "active")),
]
CLINIC_COLUMNS = ("timezone", "slot_minutes", "horizon_days", "notice_minutes")


def raised(clinic: str) -> str:
    return f"""
        UPDATE stream_head SET schedule_version = schedule_version + 1 WHERE clinic_id = {clinic};
        {numbered(clinic, "schedule", clinic, "refresh")}
    """


def differing(columns: tuple[str, ...]) -> str:
    return " OR ".join(f"NOT (CAST(NEW.{column} AS BINARY) <=> CAST(OLD.{column} AS BINARY))" for column in columns)


def trigger(table: str, moment: str, body: str) -> migrations.RunSQL:
    name = f"{table}_schedule_on_{moment.lower()}"
    return migrations.RunSQL(
        [f"CREATE TRIGGER {name} AFTER {moment} ON {table} FOR EACH ROW BEGIN {body} END"], [f"DROP TRIGGER {name}"]
    )


def triggers_of(table: str, clinic: str, columns: tuple[str, ...] | None) -> list[migrations.RunSQL]:
    update = raised(clinic.format(row="NEW"))
    former = clinic.format(row="OLD")
    return [
        trigger(table, "INSERT", raised(clinic.format(row="NEW"))),
        trigger(table, "UPDATE", update if columns is EVERY else f"IF {differing(columns)} THEN {update} END IF;"),
        # With foreign keys switched off, its practitioner or service may have gone before it.
        trigger(table, "DELETE", f"IF {former} IS NOT NULL THEN {raised(former)} END IF;"),
    ]


class Migration(migrations.Migration):
    dependencies = [
        ("changefeed", "0014_ended_sign_ins"),
        ("scheduling", "0018_absences_and_delays"),
    ]
    operations = [
        migrations.AddField("streamhead", "schedule_version", models.BigIntegerField(default=0, db_default=0)),
        *(operation for table in WATCHED for operation in triggers_of(*table)),
        trigger("clinic", "UPDATE", f"IF {differing(CLINIC_COLUMNS)} THEN {raised('NEW.id')} END IF;"),
        migrations.RunSQL(
            ["CREATE VIEW live_schedule AS SELECT clinic_id, schedule_version FROM stream_head"],
            ["DROP VIEW live_schedule"],
        ),
        migrations.RunSQL(
            [
                """CREATE VIEW live_offer AS
                SELECT service.clinic_id, service.id AS service_id, practitioner.id AS practitioner_id
                FROM service
                LEFT JOIN service_practitioners offered ON offered.service_id = service.id
                LEFT JOIN practitioner ON practitioner.id = offered.practitioner_id AND practitioner.active
                WHERE service.active"""
            ],
            ["DROP VIEW live_offer"],
        ),
    ]
