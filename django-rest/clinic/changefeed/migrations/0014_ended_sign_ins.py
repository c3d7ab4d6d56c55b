"""Sign-ins that were ended one by one: the stream closes theirs, and leaves the others of the account open.

Numbered under head 0, as every change of what an account may see.
"""

from importlib import import_module

from django.db import migrations

former = import_module("clinic.changefeed.migrations.0002_triggers_number_every_change")

TRIGGER = f"""
    CREATE TRIGGER refresh_family_feed_on_update AFTER UPDATE ON refresh_family FOR EACH ROW BEGIN
      IF NOT (NEW.revoked_at <=> OLD.revoked_at) THEN {former.session_of("NEW.user_id")} END IF;
    END
"""
VIEW = """
    CREATE VIEW live_ended_sign_in AS
    SELECT user_id, id AS sign_in FROM refresh_family WHERE revoked_at IS NOT NULL
"""


class Migration(migrations.Migration):
    dependencies = [("changefeed", "0013_references_and_arrivals"), ("accounts", "0010_active_sign_ins")]
    operations = [
        migrations.RunSQL([TRIGGER], ["DROP TRIGGER refresh_family_feed_on_update"]),
        migrations.RunSQL([VIEW], ["DROP VIEW live_ended_sign_in"]),
    ]
