"""Families: which records an account reads beside its own is published, and a change of it numbered twice.

Under head 0, as every change of what an account may see; and under the clinic's, with the account's own record, so that
a reader who comes back knows that its list is another one.
"""

from importlib import import_module

from django.db import migrations

former = import_module("clinic.changefeed.migrations.0002_triggers_number_every_change")


def change_of(row: str) -> str:
    own = f"(SELECT patient.id FROM patient WHERE patient.user_id = {row}.user_id)"
    return f"""
        IF {own} IS NOT NULL THEN
          {former.numbered(f"{row}.clinic_id", "family", own, "refresh")}
        END IF;
        {former.session_of(f"{row}.user_id")}
    """


TRIGGERS = {
    "INSERT": change_of("NEW"),
    "UPDATE": f"""
        IF NEW.clinic_id <> OLD.clinic_id OR NEW.user_id <> OLD.user_id THEN
          SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'family members never change their clinic or account';
        END IF;
        IF NEW.patient_id <> OLD.patient_id THEN {change_of("NEW")} END IF;
    """,
    "DELETE": change_of("OLD"),
}


class Migration(migrations.Migration):
    dependencies = [("changefeed", "0009_phone_extension"), ("people", "0002_families")]
    operations = [
        *(
            migrations.RunSQL(
                [
                    f"CREATE TRIGGER family_member_feed_on_{moment.lower()} AFTER {moment} ON family_member"
                    f" FOR EACH ROW BEGIN {body} END"
                ],
                [f"DROP TRIGGER family_member_feed_on_{moment.lower()}"],
            )
            for moment, body in TRIGGERS.items()
        ),
        migrations.RunSQL(
            ["CREATE VIEW live_family AS SELECT user_id, patient_id FROM family_member"], ["DROP VIEW live_family"]
        ),
    ]
