"""Active appointments claim their time, whoever writes them (see ClaimedCell)."""

from django.db import migrations

# Pinned to lifecycle.ACTIVE_STATUSES by a test.
ACTIVE = "('pending', 'confirmed', 'checked_in')"

CLAIM = """
    SET cell = NEW.blocked_from;
    WHILE cell < NEW.blocked_until DO
      INSERT INTO claimed_cell (practitioner_id, starts_at, appointment_id) VALUES (NEW.practitioner_id, cell, NEW.id);
      SET cell = cell + INTERVAL 5 MINUTE;
    END WHILE;
"""
RELEASE = """
    DELETE FROM claimed_cell
    WHERE practitioner_id = OLD.practitioner_id
      AND starts_at >= OLD.blocked_from AND starts_at < OLD.blocked_until AND appointment_id = OLD.id;
"""

STATEMENTS = [
    # Two claims meet in a cell only if every claim begins and ends on the same grid.
    (
        "ALTER TABLE appointment ADD CONSTRAINT appointment_on_grid CHECK ("
        "MOD(MINUTE(blocked_from), 5) = 0 AND SECOND(blocked_from) = 0 AND MICROSECOND(blocked_from) = 0 AND "
        "MOD(MINUTE(blocked_until), 5) = 0 AND SECOND(blocked_until) = 0 AND MICROSECOND(blocked_until) = 0 AND "
        "TIMESTAMPDIFF(HOUR, blocked_from, blocked_until) < 24)",
        "ALTER TABLE appointment DROP CONSTRAINT appointment_on_grid",
    ),
    (
        f"""CREATE TRIGGER appointment_claims_on_insert AFTER INSERT ON appointment FOR EACH ROW
        BEGIN
          DECLARE cell DATETIME(6);
          IF NEW.status IN {ACTIVE} THEN {CLAIM} END IF;
        END""",
        "DROP TRIGGER appointment_claims_on_insert",
    ),
    (
        f"""CREATE TRIGGER appointment_claims_on_update AFTER UPDATE ON appointment FOR EACH ROW
        BEGIN
          DECLARE cell DATETIME(6);
          DECLARE moved BOOLEAN DEFAULT NEW.practitioner_id <> OLD.practitioner_id
             OR NEW.blocked_from <> OLD.blocked_from OR NEW.blocked_until <> OLD.blocked_until;
          IF OLD.status IN {ACTIVE} AND (moved OR NEW.status NOT IN {ACTIVE}) THEN {RELEASE} END IF;
          IF NEW.status IN {ACTIVE} AND (moved OR OLD.status NOT IN {ACTIVE}) THEN {CLAIM} END IF;
        END""",
        "DROP TRIGGER appointment_claims_on_update",
    ),
    (
        f"CREATE TRIGGER appointment_claims_on_delete AFTER DELETE ON appointment FOR EACH ROW BEGIN {RELEASE} END",
        "DROP TRIGGER appointment_claims_on_delete",
    ),
]


class Migration(migrations.Migration):
    dependencies = [
        ("appointments", "0001_patient_and_appointment"),
        ("scheduling", "0002_holds_claim_cells"),
    ]
    operations = [migrations.RunSQL([forward], [backward]) for forward, backward in STATEMENTS]
