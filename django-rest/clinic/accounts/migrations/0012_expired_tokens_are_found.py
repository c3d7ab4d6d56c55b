"""The table belongs to a library, whose model has no index of the end of a token: each round of the worker would read all
tokens."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0011_wall_devices"),
        ("token_blacklist", "0013_alter_blacklistedtoken_options_and_more"),
    ]
    operations = [
        migrations.RunSQL(
            ["CREATE INDEX outstanding_token_expires ON token_blacklist_outstandingtoken (expires_at)"],
            ["DROP INDEX outstanding_token_expires ON token_blacklist_outstandingtoken"],
        )
    ]
