"""Triggers, numbered events and published views: all that the stream may read."""
