from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "clinic.messaging"
