"""Notifications of a later time. Those that are due at once are written as delivered."""

from clinic.outbox.models import Message


def provider() -> str:
    return "in_app"


def send(message: Message) -> str:
    """The row itself is the notification: from now on it can be read."""
    return ""
