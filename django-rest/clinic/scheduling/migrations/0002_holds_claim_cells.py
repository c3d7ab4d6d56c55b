"""Holds claim their time, whoever writes them (see ClaimedCell)."""

from django.db import migrations

CLAIM = """
    SET cell = NEW.blocked_from;
    WHILE cell < NEW.blocked_until DO
      INSERT INTO claimed_cell (practitioner_id, starts_at, hold_id) VALUES (NEW.practitioner_id, cell, NEW.id);
      SET cell = cell + INTERVAL 5 MINUTE;
    END WHILE;
"""
RELEASE = """
    DELETE FROM claimed_cell
    WHERE practitioner_id = OLD.practitioner_id
      AND starts_at >= OLD.blocked_from AND starts_at < OLD.blocked_until AND hold_id = OLD.id;
"""

STATEMENTS = [
    # Two claims meet in a cell only if every claim begins and ends on the same grid.
    (
        "ALTER TABLE hold ADD CONSTRAINT hold_on_grid CHECK ("
        "MOD(MINUTE(blocked_from), 5) = 0 AND SECOND(blocked_from) = 0 AND MICROSECOND(blocked_from) = 0 AND "
        "MOD(MINUTE(blocked_until), 5) = 0 AND SECOND(blocked_until) = 0 AND MICROSECOND(blocked_until) = 0 AND "
        "blocked_from < blocked_until AND TIMESTAMPDIFF(HOUR, blocked_from, blocked_until) < 24 AND "
        "blocked_from <= starts_at AND starts_at < ends_at AND ends_at <= blocked_until)",
        "ALTER TABLE hold DROP CONSTRAINT hold_on_grid",
    ),
    (
        "CREATE TRIGGER hold_claims_on_insert AFTER INSERT ON hold FOR EACH ROW "
        f"BEGIN DECLARE cell DATETIME(6); {CLAIM} END",
        "DROP TRIGGER hold_claims_on_insert",
    ),
    (
        f"""CREATE TRIGGER hold_claims_on_update AFTER UPDATE ON hold FOR EACH ROW
        BEGIN
          DECLARE cell DATETIME(6);
          IF NEW.practitioner_id <> OLD.practitioner_id
             OR NEW.blocked_from <> OLD.blocked_from OR NEW.blocked_until <> OLD.blocked_until THEN
            {RELEASE} {CLAIM}
          END IF;
        END""",
        "DROP TRIGGER hold_claims_on_update",
    ),
    (
        f"CREATE TRIGGER hold_claims_on_delete AFTER DELETE ON hold FOR EACH ROW BEGIN {RELEASE} END",
        "DROP TRIGGER hold_claims_on_delete",
    ),
]


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0001_clinic_and_schedule")]
    operations = [migrations.RunSQL([forward], [backward]) for forward, backward in STATEMENTS]
