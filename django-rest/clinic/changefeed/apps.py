from django.apps import AppConfig
from django.core.checks import Tags, register


class ChangefeedConfig(AppConfig):
    name = "clinic.changefeed"

    def ready(self) -> None:
        from clinic.changefeed.checks import check_database

        register(check_database, Tags.database)
