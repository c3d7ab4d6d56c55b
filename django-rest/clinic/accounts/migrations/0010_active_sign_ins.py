from django.db import migrations, models

FAMILIES = """
    UPDATE refresh_family family JOIN account_user user ON user.id = family.user_id
    SET family.token_version = user.token_version, family.seen_at = family.created_at
    WHERE family.revoked_at IS NULL
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0009_user_language")]

    operations = [
        migrations.AddField(
            model_name="refreshfamily",
            name="device",
            field=models.CharField(
                blank=True, db_default="", default="", help_text="browser and system", max_length=60
            ),
        ),
        migrations.AddField(
            model_name="refreshfamily",
            name="seen_at",
            field=models.DateTimeField(
                help_text="when a token was last issued; empty: at the beginning alone", null=True
            ),
        ),
        migrations.AddField(
            model_name="refreshfamily",
            name="session_key",
            field=models.CharField(
                help_text="of a page's session; empty: tokens", max_length=40, null=True, unique=True
            ),
        ),
        migrations.AddField(
            model_name="refreshfamily",
            name="token_version",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.RunSQL([FAMILIES], migrations.RunSQL.noop),
    ]
