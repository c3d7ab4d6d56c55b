from django.apps import AppConfig
from django.core.checks import Tags, register


class CommonConfig(AppConfig):
    name = "clinic.common"

    def ready(self) -> None:
        from clinic.common.checks import check_durability

        register(check_durability, Tags.database)
