"""Active appointments claim their patient's time as well, unless they may overlap.

The triggers for patients run after the feed's: the feed's head stays locked until the commit, so nobody waits for a
patient's cell, and the appointments of one clinic claim them one after another.
"""

from importlib import import_module

from django.db import migrations, models

FORMER = import_module("clinic.appointments.migrations.0002_appointments_claim_cells")
HOLDS = import_module("clinic.scheduling.migrations.0016_cells_of_any_owner")

# Pinned to lifecycle.ACTIVE_STATUSES by a test.
ACTIVE = FORMER.ACTIVE

CLAIM = HOLDS.CLAIM.replace("hold_id", "appointment_id")
RELEASE = HOLDS.RELEASE.replace("hold_id", "appointment_id")
OF_PRACTITIONERS = {
    "insert": f"""BEGIN
          DECLARE cell DATETIME(6);
          IF NEW.status IN {ACTIVE} THEN {CLAIM} END IF;
        END""",
    "update": f"""BEGIN
          DECLARE cell DATETIME(6);
          DECLARE moved BOOLEAN DEFAULT NEW.practitioner_id <> OLD.practitioner_id
             OR NEW.blocked_from <> OLD.blocked_from OR NEW.blocked_until <> OLD.blocked_until;
          IF OLD.status IN {ACTIVE} AND (moved OR NEW.status NOT IN {ACTIVE}) THEN {RELEASE} END IF;
          IF NEW.status IN {ACTIVE} AND (moved OR OLD.status NOT IN {ACTIVE}) THEN {CLAIM} END IF;
        END""",
    "delete": f"BEGIN {RELEASE} END",
}

# Raw SQL may start a visit between two cells: a visit claims each cell that it touches.
CLAIM_OF_PATIENT = """
    SET cell = NEW.starts_at - INTERVAL MOD(MINUTE(NEW.starts_at), 5) MINUTE - INTERVAL SECOND(NEW.starts_at) SECOND
             - INTERVAL MICROSECOND(NEW.starts_at) MICROSECOND;
    WHILE cell < NEW.ends_at DO
      INSERT INTO claimed_cell (kind, owner_id, starts_at, appointment_id)
      VALUES ('patient', NEW.patient_id, cell, NEW.id);
      SET cell = cell + INTERVAL 5 MINUTE;
    END WHILE;
"""
RELEASE_OF_PATIENT = """
    DELETE FROM claimed_cell
    WHERE kind = 'patient' AND owner_id = OLD.patient_id
      AND starts_at > OLD.starts_at - INTERVAL 5 MINUTE AND starts_at < OLD.ends_at AND appointment_id = OLD.id;
"""
OF_PATIENTS = {
    "insert": f"""BEGIN
          DECLARE cell DATETIME(6);
          IF NEW.status IN {ACTIVE} AND NOT NEW.allow_overlap THEN {CLAIM_OF_PATIENT} END IF;
        END""",
    "update": f"""BEGIN
          DECLARE cell DATETIME(6);
          DECLARE claimed BOOLEAN DEFAULT OLD.status IN {ACTIVE} AND NOT OLD.allow_overlap;
          DECLARE claims BOOLEAN DEFAULT NEW.status IN {ACTIVE} AND NOT NEW.allow_overlap;
          DECLARE moved BOOLEAN DEFAULT NEW.patient_id <> OLD.patient_id
             OR NEW.starts_at <> OLD.starts_at OR NEW.ends_at <> OLD.ends_at;
          IF claimed AND (moved OR NOT claims) THEN {RELEASE_OF_PATIENT} END IF;
          IF claims AND (moved OR NOT claimed) THEN {CLAIM_OF_PATIENT} END IF;
        END""",
    "delete": f"BEGIN {RELEASE_OF_PATIENT} END",
}


def of_patients(moment: str, body: str) -> migrations.RunSQL:
    name = f"appointment_claims_patient_on_{moment}"
    after_the_feed = f"AFTER {moment.upper()} ON appointment FOR EACH ROW FOLLOWS appointment_feed_on_{moment}"
    return migrations.RunSQL(
        [f"CREATE TRIGGER IF NOT EXISTS {name} {after_the_feed} {body}"], [f"DROP TRIGGER IF EXISTS {name}"]
    )


class Migration(migrations.Migration):
    dependencies = [
        ("appointments", "0018_history_is_found_by_person"),
        ("scheduling", "0016_cells_of_any_owner"),
        ("changefeed", "0010_families"),
    ]
    operations = [
        migrations.AddField(
            model_name="appointment",
            name="allow_overlap",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="the desk lets it overlap other visits of the same patient",
            ),
        ),
        *(
            operation
            for moment, body in OF_PRACTITIONERS.items()
            for operation in HOLDS.replaced("appointment", moment, body, HOLDS.statement_of(FORMER.STATEMENTS, moment))
        ),
        *(of_patients(moment, body) for moment, body in OF_PATIENTS.items()),
    ]
