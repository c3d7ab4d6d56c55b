from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_contact_claims")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="language",
            field=models.CharField(
                blank=True,
                choices=[("en", "English"), ("de", "Deutsch")],
                db_default="",
                default="",
                help_text="of the pages; empty: the browser's",
                max_length=7,
            ),
        ),
    ]
