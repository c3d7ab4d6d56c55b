from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0011_names_that_can_be_seen")]

    operations = [
        migrations.AddField(
            model_name="clinic",
            name="mail_new_requests",
            field=models.BooleanField(
                db_default=True, default=True, help_text="whether owner and staff get an e-mail for each new request"
            ),
        ),
        migrations.AlterField(
            model_name="clinic",
            name="email",
            field=models.EmailField(
                blank=True,
                db_default="",
                default="",
                help_text="where answers to mails and calendar invitations go",
                max_length=254,
            ),
        ),
    ]
