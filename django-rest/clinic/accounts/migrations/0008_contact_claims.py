"""E-mails from before count as verified. Phones that nobody has verified become claims, the five newest of each number."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

CLAIM_PHONES = """
    INSERT INTO contact_claim (user_id, kind, value, created_at)
    SELECT id, 'phone', value, UTC_TIMESTAMP(6) FROM (
        SELECT id, value, ROW_NUMBER() OVER (PARTITION BY value ORDER BY id DESC) AS place FROM (
            SELECT id, IF(phone_extension = '', phone, CONCAT(phone, ';ext=', phone_extension)) AS value
            FROM account_user WHERE phone IS NOT NULL AND (phone_verified_at IS NULL OR phone_extension <> '')
        ) AS phones
    ) AS numbered WHERE place <= 5 ORDER BY id
"""
FORGET_PHONES = """
    UPDATE account_user SET phone = NULL, phone_extension = '', phone_verified_at = NULL
    WHERE phone IS NOT NULL AND (phone_verified_at IS NULL OR phone_extension <> '')
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_families_share_a_phone")]

    operations = [
        migrations.AlterField(
            model_name="user",
            name="email",
            field=models.EmailField(blank=True, max_length=254, null=True, unique=True),
        ),
        migrations.AddField(
            model_name="passwordtoken",
            name="email",
            field=models.CharField(blank=True, db_default="", default="", max_length=254),
        ),
        migrations.CreateModel(
            name="ContactChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("email", "Email"), ("phone", "Phone")], max_length=8)),
                ("former", models.CharField(max_length=254)),
                ("token_hash", models.CharField(db_collation="ascii_bin", max_length=64, unique=True)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(db_index=True)),
                ("used_at", models.DateTimeField(null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="contact_changes",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "contact_change",
            },
        ),
        migrations.CreateModel(
            name="ContactClaim",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("email", "Email"), ("phone", "Phone")], max_length=8)),
                (
                    "value",
                    models.CharField(
                        help_text="lower case; a phone: E.164, and `;ext=` with an extension", max_length=254
                    ),
                ),
                ("password_mark", models.PositiveSmallIntegerField(editable=False, null=True)),
                ("mail_requested_at", models.DateTimeField(db_index=True, editable=False, null=True)),
                (
                    "token_hash",
                    models.CharField(db_collation="ascii_bin", editable=False, max_length=64, null=True, unique=True),
                ),
                ("token_expires_at", models.DateTimeField(editable=False, null=True)),
                ("created_at", models.DateTimeField(editable=False)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="claims", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "contact_claim",
                "ordering": ["pk"],
                "indexes": [models.Index(fields=["kind", "value"], name="contact_claim_value")],
                "constraints": [models.UniqueConstraint(fields=("user", "kind"), name="contact_claim_once")],
            },
        ),
        migrations.RunSQL(CLAIM_PHONES, migrations.RunSQL.noop),
        migrations.RunSQL(FORGET_PHONES, migrations.RunSQL.noop),
    ]
