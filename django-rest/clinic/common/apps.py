from django.apps import AppConfig
from django.core.checks import Tags, register


class CommonConfig(AppConfig):
    name = "clinic.common"

    def ready(self) -> None:
        from clinic.common.checks import check_durability, check_time_zone_tables

        register(check_durability, Tags.database)
        register(check_time_zone_tables, Tags.database)
