"""The queue and log of all messages, and their delivery by mail, SMS, web push and in the app."""
