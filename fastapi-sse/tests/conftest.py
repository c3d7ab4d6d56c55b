import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop

from testkit.stream.clinic import TestClinic
from testkit.stream.database import Database, Server
from testkit.stream.service import StartService, StreamService

logging.getLogger("httpx").setLevel(logging.WARNING)  # A line a request would bury what failed.


@pytest.fixture(autouse=True)
def event_loop_as_in_production() -> Iterator[None]:
    """uvloop differs from asyncio's loop in what it gives for a deadline that has passed, among others."""
    former = asyncio.get_event_loop_policy()
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    yield
    asyncio.set_event_loop_policy(former)


@pytest.fixture(scope="session")
def database() -> Iterator[Database]:
    database = Database(Server.from_environment())
    yield database
    database.drop()


# Not of the session: it polls the database as long as it runs.
@pytest.fixture(scope="module")
def service(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StreamService]:
    """The service as it is by default; tests that need another, or end it, start their own."""
    with StreamService(database.environment, tmp_path_factory.mktemp("stream") / "log") as service:
        yield service


@pytest.fixture
def start_service(database: Database, tmp_path: Path) -> Iterator[StartService]:
    """Start a service of the test's own with these settings."""
    started: list[StreamService] = []

    def start(
        *, wait_for: str = "/readyz", environment: dict[str, str] | None = None, **settings: object
    ) -> StreamService:
        log_path = tmp_path / f"stream-{len(started)}.log"
        service = StreamService(environment or database.environment, log_path, **settings)
        started.append(service)
        service.start(wait_for=wait_for)
        return service

    yield start
    for service in started:
        service.stop()


@pytest.fixture
def clinic(database: Database) -> TestClinic:
    return TestClinic(database)
