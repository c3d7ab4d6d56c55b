"""The demo clinic of `make run` and the tests: its plan, and how it gets into the database."""
