"""Cells belong to an owner of some kind: practitioners, then patients.

From the first statement until the new triggers are there, the former ones name a column that is gone, so claims are
refused and none is missed.
"""

from importlib import import_module

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

FORMER = import_module("clinic.scheduling.migrations.0002_holds_claim_cells")

CLAIM = """
    SET cell = NEW.blocked_from;
    WHILE cell < NEW.blocked_until DO
      INSERT INTO claimed_cell (kind, owner_id, starts_at, hold_id)
      VALUES ('practitioner', NEW.practitioner_id, cell, NEW.id);
      SET cell = cell + INTERVAL 5 MINUTE;
    END WHILE;
"""
RELEASE = """
    DELETE FROM claimed_cell
    WHERE kind = 'practitioner' AND owner_id = OLD.practitioner_id
      AND starts_at >= OLD.blocked_from AND starts_at < OLD.blocked_until AND hold_id = OLD.id;
"""
BODIES = {
    "insert": f"BEGIN DECLARE cell DATETIME(6); {CLAIM} END",
    "update": f"""BEGIN
          DECLARE cell DATETIME(6);
          IF NEW.practitioner_id <> OLD.practitioner_id
             OR NEW.blocked_from <> OLD.blocked_from OR NEW.blocked_until <> OLD.blocked_until THEN
            {RELEASE} {CLAIM}
          END IF;
        END""",
    "delete": f"BEGIN {RELEASE} END",
}


def replaced(table: str, moment: str, body: str, former: str) -> list[migrations.RunSQL]:
    """The new trigger is made before the former one goes. Both come before the feed's, whose lock is taken last."""
    name = f"{table}_claims_practitioner_on_{moment}"
    before_the_feed = f"AFTER {moment.upper()} ON {table} FOR EACH ROW PRECEDES {table}_feed_on_{moment}"
    former = former.replace(f"AFTER {moment.upper()} ON {table} FOR EACH ROW", before_the_feed)
    return [
        migrations.RunSQL(
            [f"CREATE TRIGGER IF NOT EXISTS {name} {before_the_feed} {body}"], [f"DROP TRIGGER IF EXISTS {name}"]
        ),
        migrations.RunSQL([f"DROP TRIGGER IF EXISTS {table}_claims_on_{moment}"], [former]),
    ]


def statement_of(statements: list[tuple[str, str]], moment: str) -> str:
    """The statement that makes the trigger of this moment."""
    [found] = [forward for forward, _ in statements if f"_claims_on_{moment} " in forward]
    return found


def name_owners(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    with schema_editor.connection.cursor() as cursor:
        constraints = schema_editor.connection.introspection.get_constraints(cursor, "claimed_cell")
        if "owner_id" in constraints["PRIMARY"]["columns"]:
            return
    foreign_keys = [f"DROP FOREIGN KEY `{name}`" for name, found in constraints.items() if found["foreign_key"]]
    changes = [
        *foreign_keys,
        "ADD COLUMN kind VARCHAR(12) COLLATE utf8mb4_bin NOT NULL DEFAULT 'practitioner' FIRST",
        "CHANGE COLUMN practitioner_id owner_id BIGINT NOT NULL",
        "DROP PRIMARY KEY",
        "ADD PRIMARY KEY (kind, owner_id, starts_at)",
    ]
    schema_editor.execute(f"ALTER TABLE claimed_cell {', '.join(changes)}")


def name_practitioners(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    schema_editor.execute("DELETE FROM claimed_cell WHERE kind <> 'practitioner'")
    schema_editor.execute(
        "ALTER TABLE claimed_cell CHANGE COLUMN owner_id practitioner_id BIGINT NOT NULL, DROP COLUMN kind,"
        " DROP PRIMARY KEY, ADD PRIMARY KEY (practitioner_id, starts_at),"
        " ADD CONSTRAINT claimed_cell_practitioner FOREIGN KEY (practitioner_id) REFERENCES practitioner (id)"
    )


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0015_patient_moves"), ("changefeed", "0010_families")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(name_owners, name_practitioners)],
            state_operations=[
                migrations.DeleteModel("ClaimedCell"),
                migrations.CreateModel(
                    name="ClaimedCell",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "kind",
                                "owner_id",
                                "starts_at",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[("practitioner", "Practitioner"), ("patient", "Patient")],
                                db_collation="utf8mb4_bin",
                                max_length=12,
                            ),
                        ),
                        (
                            "owner_id",
                            models.BigIntegerField(help_text="of the practitioner or patient, without a foreign key"),
                        ),
                        ("starts_at", models.DateTimeField()),
                        ("appointment_id", models.BigIntegerField(null=True)),
                        ("hold_id", models.BigIntegerField(null=True)),
                    ],
                    options={
                        "db_table": "claimed_cell",
                        "indexes": [models.Index(fields=["starts_at"], name="claimed_cell_starts_at")],
                    },
                ),
            ],
        ),
        migrations.RunSQL(["ALTER TABLE claimed_cell ALTER COLUMN kind DROP DEFAULT"], migrations.RunSQL.noop),
        *(
            operation
            for moment, body in BODIES.items()
            for operation in replaced("hold", moment, body, statement_of(FORMER.STATEMENTS, moment))
        ),
    ]
