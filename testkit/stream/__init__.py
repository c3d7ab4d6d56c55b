"""Test kit of the stream: a real database, the real service, and a reader of its streams."""
