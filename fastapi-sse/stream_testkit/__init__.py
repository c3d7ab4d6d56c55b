"""What the tests of the stream stand on: a real database, the real service, and a reader of its streams."""
