"""A new epoch concerns every clinic, so these tests have a database of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from testkit.stream.clinic import TestClinic
from testkit.stream.database import Database, Server
from testkit.stream.service import StreamService


@pytest.fixture(scope="module")
def own_database() -> Iterator[Database]:
    database = Database(Server.from_environment())
    yield database
    database.drop()


def renew_epoch(database: Database, epoch: str) -> None:
    database.execute("UPDATE stream_epoch SET epoch = %s WHERE id = 1", epoch)


def test_new_epoch_loads_open_streams_anew_and_makes_old_ids_foreign(own_database: Database, tmp_path: Path) -> None:
    clinic = TestClinic(own_database)
    booked = clinic.book()
    with StreamService(own_database.environment, tmp_path / "log") as service:
        with service.stream(clinic.owner.token(), "mode=delta") as stream:
            old_id = stream.next_event().id
            renew_epoch(own_database, "feedfacefeedface")
            assert stream.stays_silent(0.3), "nothing visible has changed"
            clinic.update(booked, notes="new")
            change = stream.next_named("change")
            assert change.id == clinic.event_id
        with service.stream(clinic.owner.token(), "mode=delta", last_event_id=old_id) as stream:
            stream.next_named("snapshot")


def test_new_epoch_does_not_end_the_access_of_who_may_see(own_database: Database, tmp_path: Path) -> None:
    clinic = TestClinic(own_database)
    with (
        StreamService(own_database.environment, tmp_path / "log") as service,
        service.stream(clinic.owner.token()) as stays,
        service.stream(clinic.staff.token()) as goes,
    ):
        stays.next_event()
        goes.next_event()
        with own_database.transaction() as execute:
            execute("UPDATE account_user SET is_active = 0 WHERE id = %s", (clinic.staff.user_id,))
            execute("UPDATE stream_epoch SET epoch = 'decafbaddecafbad' WHERE id = 1")
        assert goes.next_event().event == "revoked"
        assert stays.stays_silent(0.3)
