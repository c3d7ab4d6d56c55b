"""A user's right to see hangs on a practitioner's or patient's row: it ends when the row is deleted as well."""

from django.db import migrations


def session_on_delete_of(table: str) -> tuple[str, str]:
    return (
        f"""CREATE TRIGGER {table}_feed_on_delete AFTER DELETE ON {table} FOR EACH ROW
        BEGIN
          IF OLD.user_id IS NOT NULL THEN
            UPDATE stream_head SET seq = LAST_INSERT_ID(seq + 1) WHERE clinic_id = 0;
            IF ROW_COUNT() = 0 THEN
              SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'stream_head has no row for this clinic';
            END IF;
            INSERT INTO realtime_event (clinic_id, seq, entity, entity_id, kind, at)
            VALUES (0, LAST_INSERT_ID(), 'user', OLD.user_id, 'session', UTC_TIMESTAMP(6));
          END IF;
        END""",
        f"DROP TRIGGER {table}_feed_on_delete",
    )


class Migration(migrations.Migration):
    dependencies = [("changefeed", "0003_live_views")]
    operations = [
        migrations.RunSQL([forward], [backward])
        for forward, backward in map(session_on_delete_of, ("practitioner", "patient"))
    ]
