"""Booking by conversation, for bots and voice assistants."""
