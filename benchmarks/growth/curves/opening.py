"""The cost of opening a stream, public and signed in."""

from collections.abc import Callable, Iterator, Sequence

from benchmarks.contenders import get
from benchmarks.costs import allow_open_files, cpu_seconds
from benchmarks.growth.curve import Column, Curve, Point, Settings
from benchmarks.growth.large_clinic import database, service_on
from benchmarks.readers import Readers
from testkit.stream.clinic import TestClinic
from testkit.stream.service import StreamService

OPENING_TIMEOUT_SECONDS = 60.0
WARM_UP = 50


def measure(sizes: Sequence[int], settings: Settings) -> Iterator[Point]:
    allow_open_files()
    with database() as found:
        clinic = TestClinic(found)
        clinic.book()
        public = get(f"/api/v1/sse/availability?practitioner={clinic.petra.row_id}")
        token = clinic.owner.token(seconds=3600)
        with service_on(found) as service:
            for size in sizes:
                yield {
                    "public_us": _cost(service, size, lambda: public),
                    "one_token_us": _cost(service, size, lambda: _appointments(token)),
                    "own_tokens_us": _cost(service, size, lambda: _appointments(clinic.owner.token(seconds=3600))),
                }


def _appointments(token: str) -> bytes:
    return get("/api/v1/sse/appointments?mode=delta", f"Authorization: Bearer {token}\r\n")


def _cost(service: StreamService, size: int, request: Callable[[], bytes]) -> float | None:
    """Microseconds of CPU for each."""
    with Readers(service.port, request) as readers:
        readers.open(WARM_UP, OPENING_TIMEOUT_SECONDS)
        before = cpu_seconds(service.process_id)
        opened = readers.open(size, OPENING_TIMEOUT_SECONDS)
        return (cpu_seconds(service.process_id) - before) / size * 1e6 if opened.count == size else None


CURVE = Curve(
    title="Opening a stream",
    size_title="streams opened",
    sizes=(500, 2_000, 5_000),
    columns=(
        Column("public_us", "public: µs of CPU", 250),
        Column("one_token_us", "signed in, several streams by one token: µs of CPU", 500),
        Column("own_tokens_us", "signed in, a token each (HS256): µs of CPU", 500),
    ),
    measure=measure,
    limit_seconds=300,
)
