from django.apps import AppConfig
from django.core.checks import register


class OutboxConfig(AppConfig):
    name = "clinic.outbox"

    def ready(self) -> None:
        from clinic.outbox.checks import check_links, check_twilio

        register(check_twilio)
        register(check_links)
