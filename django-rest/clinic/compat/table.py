"""Pure: what older front ends send, and what the main API calls it. Nothing that is not in this table is rewritten.

A path is the route without prefix and ids: `appointments/{}`. Both prefixes, `/api` and `/api/v1`, are covered.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

Operation = tuple[str, str]


class RequestPart(StrEnum):
    BODY = "body"
    QUERY = "query"


class ValueReading(StrEnum):
    """How the value is read."""

    SAME = "as it is"
    SERVICE_NAME = "the service of that name"
    OWN_PATIENT = "a patient's own user id is their record's id"


@dataclass(frozen=True, slots=True)
class Rewrite:
    """`old` and `new` may be the same name with another meaning of its values. null or "" is not given, if it
    `drops_empty`."""

    operation: Operation
    place: RequestPart
    old: str
    new: str
    reading: ValueReading = ValueReading.SAME
    drops_empty: bool = True


PRACTITIONER_NAMES = ("dentist", "dentist_id", "dentistId", "doctor", "doctor_id", "doctorId", "practitioner_id")
SERVICE_NAMES = ("service_id", "serviceId")
PATIENT_NAMES = ("patient", "patient_id")
START_NAMES = ("appointment_date", "startTime")

BOOK = ("POST", "appointments")
BOOK_SERIES = ("POST", "appointments/series")
JOIN_WAITLIST = ("POST", "waitlist")
BOOK_AS_GUEST = ("POST", "public/bookings")
REFRESH = ("POST", "auth/refresh")
HOLDS = (("POST", "holds"), ("POST", "availability/reserve"))
CHANGES = (("PATCH", "appointments/{}"), ("PUT", "appointments/{}"))
MOVE = ("POST", "appointments/{}/reschedule")
CHANGE_SERIES = (("PATCH", "appointments/series/{}"), ("PATCH", "series/{}"))
LISTS = (("GET", "appointments"), ("GET", "appointments/export.csv"))
SLOTS = tuple(
    ("GET", path) for path in ("slots", "practitioners/{}/slots", "doctors/{}/slots", "availability/{}/slots")
)
PRACTITIONERS = ("practitioners", "doctors", "profiles/dentists")
PAGED = (
    "appointments",
    "appointments/by_phone",
    "appointments/{}/history",
    "history",
    "messages",
    "notifications",
    "patients",
    *PRACTITIONERS,
    "schedule-exceptions",
    "services",
    "staff",
    "waitlist",
)

WITH_PRACTITIONER = (BOOK, BOOK_SERIES, BOOK_AS_GUEST, *HOLDS, *CHANGES, MOVE, *CHANGE_SERIES)
WITH_SERVICE = (BOOK, BOOK_SERIES, BOOK_AS_GUEST, *HOLDS, *CHANGES, *CHANGE_SERIES)
WITH_START = (BOOK, BOOK_SERIES, BOOK_AS_GUEST, *HOLDS, *CHANGES, MOVE)

# A `PUT` of some fields: the rest stays as it is.
PARTIAL_PUTS: dict[Operation, tuple[str, ...]] = {("PUT", "profiles/me"): ("name", "email", "phone")}


def _in_bodies() -> Iterator[Rewrite]:
    def rewrites(
        operations: Iterable[Operation], names: Iterable[str], new: str, reading: ValueReading = ValueReading.SAME
    ) -> Iterator[Rewrite]:
        return (
            Rewrite(operation, RequestPart.BODY, old, new, reading) for operation, old in product(operations, names)
        )

    yield from rewrites(WITH_PRACTITIONER, PRACTITIONER_NAMES, "practitioner")
    yield from rewrites(WITH_SERVICE, SERVICE_NAMES, "service")
    yield from rewrites((BOOK, *HOLDS, *CHANGES), ("appointment_type",), "service", ValueReading.SERVICE_NAME)
    yield from rewrites(WITH_START, START_NAMES, "start")
    yield from rewrites(
        (BOOK, BOOK_SERIES, JOIN_WAITLIST, *CHANGES), PATIENT_NAMES, "patient", ValueReading.OWN_PATIENT
    )
    yield from rewrites((REFRESH,), ("refresh_token",), "refresh")
    for path in PRACTITIONERS:
        for operation in (("POST", path), ("PATCH", f"{path}/{{}}")):
            yield Rewrite(operation, RequestPart.BODY, "specialization", "specialisation", drops_empty=False)


def _in_queries() -> Iterator[Rewrite]:
    for operation, old in product(LISTS, PRACTITIONER_NAMES):
        yield Rewrite(operation, RequestPart.QUERY, old, "practitioner")
    for operation, old in product(LISTS, PATIENT_NAMES):
        yield Rewrite(operation, RequestPart.QUERY, old, "patient", ValueReading.OWN_PATIENT)
    for operation, old in product(SLOTS, SERVICE_NAMES):
        yield Rewrite(operation, RequestPart.QUERY, old, "service")
    for path in PAGED:
        yield Rewrite(("GET", path), RequestPart.QUERY, "limit", "page_size")


TABLE: tuple[Rewrite, ...] = (*_in_bodies(), *_in_queries())
BY_OPERATION: dict[Operation, dict[RequestPart, dict[str, Rewrite]]] = {}
for _rewrite in TABLE:
    _places = BY_OPERATION.setdefault(_rewrite.operation, {RequestPart.BODY: {}, RequestPart.QUERY: {}})
    _places[_rewrite.place][_rewrite.old] = _rewrite
