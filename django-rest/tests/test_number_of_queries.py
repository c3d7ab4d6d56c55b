"""Statements of a request do not depend on the number of rows."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.accounts.queries import get_session_user
from clinic.appointments.models import ACTIVE, Appointment
from clinic.people.models import Patient
from clinic.scheduling.models import Practitioner, ServicePractitioner, WorkingBlock
from django.db import connection
from django.test.utils import CaptureQueriesContext

from testkit.clinic.answers import APPOINTMENTS
from testkit.clinic.times import in_days
from testkit.clinic.world import PASSWORD, World

MAX_FOR_A_READ = 8
MAX_FOR_A_WRITE = 20

# Of six rows as of many, something follows a page of five: what ends the list need not be counted.
READS = {
    "the list": "appointments?page_size=5",
    "the whole list": "appointments?scope=all&ordering=-updated_at&page_size=5",
    "some days by name": "appointments?ordering=patient_name&from=<first>&to=<last>&page_size=1",
    "a search": "appointments?search=pa&page_size=5",
    "by phone": "appointments/by_phone?phone=0170 1234567&page_size=5",
    "the summary": "appointments/summary",
    "statistics": "appointments/stats?groupBy=day",
    "the export": "appointments/export.csv",
    "the history": "history?page_size=4",
    "patients": "patients?search=p&page_size=200",
    "first page of patients with a phone": "patients?search=p&page_size=5",  # A page that is full is counted as well.
    "practitioners": "practitioners?page_size=4",
    "services": "services",
    "a week of slots": "practitioners/<practitioner>/slots?from=<first>&to=<last>",
    "anybody's slots": "slots?service=<service>&from=<first>&to=<last>",
    "one appointment": "appointments/<appointment>",
}


def grow(world: World, numbers: range) -> None:
    """More of everything: appointments on the next days, patients, practitioners with hours."""
    for number in numbers:
        patient = Patient.objects.create(clinic=world.clinic, name=f"Pat {number}", phone="+491701234567")
        practitioner = Practitioner.objects.create(clinic=world.clinic, name=f"Dr {number}")
        ServicePractitioner.objects.create(service=world.check_up, practitioner=practitioner)
        WorkingBlock.objects.create(practitioner=practitioner, weekday=0, start_local="08:00", end_local="12:00")
        appointment = world.book(in_days(2 + number // 18)(8) + timedelta(minutes=30 * (number % 18)))
        Appointment.objects.filter(pk=appointment.pk).update(patient=patient)


def path_of(world: World, path: str, appointment: Appointment) -> str:
    words = {
        "practitioner": world.petra.practitioner.pk,
        "appointment": appointment.pk,
        "service": world.check_up.pk,
        "first": f"{in_days(2)(9):%Y-%m-%d}",
        "last": f"{in_days(8)(9):%Y-%m-%d}",
    }
    for word, value in words.items():
        path = path.replace(f"<{word}>", str(value))
    return f"/api/v1/{path}"


def queries(ask: Callable[[], Any], expected: int = 200) -> int:
    with CaptureQueriesContext(connection) as seen:
        response = ask()
        if response.streaming:
            list(response.streaming_content)
    assert response.status_code == expected
    return len([query for query in seen.captured_queries if "SAVEPOINT" not in query["sql"]])


@pytest.mark.parametrize("person", ["sam", "petra"])
def test_a_read_asks_the_same_of_few_rows_and_of_many(world: World, person: str) -> None:
    user: User = getattr(world, person)
    client = world.client(user)
    appointment = world.book(in_days(400)(8))

    def count_all() -> dict[str, int]:
        return {name: queries(partial(client.get, path_of(world, path, appointment))) for name, path in READS.items()}

    grow(world, range(5))
    of_few = count_all()
    grow(world, range(5, 50))
    assert count_all() == of_few
    assert max(of_few.values()) <= MAX_FOR_A_READ


def test_last_page_is_not_counted(world: World) -> None:
    client = world.client(world.sam)
    grow(world, range(6))
    full = queries(lambda: client.get(f"{APPOINTMENTS}?page_size=5"))
    assert queries(lambda: client.get(f"{APPOINTMENTS}?page_size=6")) < full
    assert client.get(f"{APPOINTMENTS}?page_size=6").json()["count"] == 6


def test_a_booking_and_a_confirmation_ask_the_same_on_an_empty_and_a_full_day(world: World) -> None:
    client = world.client(world.sam)

    def book(start: datetime) -> Any:
        return client.post(
            APPOINTMENTS,
            {
                "patient": world.paula.patient.pk,
                "practitioner": world.petra.practitioner.pk,
                "service": world.check_up.pk,
                "start": start.isoformat(),
            },
        )

    def confirm(appointment: Appointment) -> Any:
        Appointment.objects.filter(pk=appointment.pk).update(status="pending")
        return client.post(f"{APPOINTMENTS}/{appointment.pk}/confirm")

    empty = queries(lambda: book(in_days(2)(17, 30)), 201)
    grow(world, range(18))
    full = queries(lambda: book(in_days(2)(17)), 201)
    assert empty == full <= MAX_FOR_A_WRITE
    appointments = list(Appointment.objects.order_by("pk")[:2])
    counts = [queries(partial(confirm, appointment)) for appointment in appointments]
    assert counts[0] == counts[1] <= MAX_FOR_A_WRITE


Request = tuple[User | None, str, dict[str, Any]]


def desk_books(world: World, **more: Any) -> Request:
    start = in_days(9)(9).isoformat()
    return (
        world.sam,
        APPOINTMENTS,
        {"patient": world.paula.patient.pk, "service": world.check_up.pk, "start": start} | more,
    )


def desk_books_with_petra(world: World, **more: Any) -> Request:
    return desk_books(world, practitioner=world.petra.practitioner.pk, **more)


def desk_lets_visits_overlap(world: World) -> Request:
    world.book(in_days(9)(9), practitioner=world.quentin)
    return desk_books_with_petra(world, allow_overlap=True)


def patient_books(world: World) -> Request:
    return world.paula, *desk_books_with_petra(world)[1:]


def patient_books_a_held_time(world: World) -> Request:
    body = {"practitioner": world.petra.practitioner.pk, "start": in_days(9)(9).isoformat()}
    return world.paula, APPOINTMENTS, {"hold": world.client(world.paula).post("/api/v1/holds", body).json()["token"]}


def guest_books(world: World, **more: Any) -> Request:
    body = {"clinic": "riverside", "practitioner": world.petra.practitioner.pk, "start": in_days(9)(9).isoformat()}
    return None, "/api/v1/public/bookings", {**body, "name": "Gus", "phone": "030 1234567"} | more


def guest_books_a_service(world: World) -> Request:
    return guest_books(world, service=world.check_up.pk)


def guest_books_with_anybody(world: World) -> Request:
    user, path, body = guest_books_a_service(world)
    return user, path, {name: value for name, value in body.items() if name != "practitioner"}


def guest_books_again(world: World) -> Request:
    _, path, body = guest_books(world)
    earlier = world.client().post(path, body | {"start": in_days(10)(9).isoformat()}).json()
    return None, path, body | {"reference": earlier["reference"]}


# Statements of each, BEGIN and COMMIT included.
BOOKINGS: dict[Callable[[World], Request], int] = {
    desk_books: 13,
    desk_books_with_petra: 13,
    desk_lets_visits_overlap: 13,
    patient_books: 13,
    patient_books_a_held_time: 14,
    guest_books: 14,
    guest_books_a_service: 14,
    guest_books_with_anybody: 14,
    guest_books_again: 15,
}
# The key's row, and the answer in it. A request of a guest has a key of its own, which holds the reference alone.
OF_A_KEY = 2
OF_A_GUESTS_KEY = 1


@pytest.mark.parametrize("headers", [{}, {"HTTP_IDEMPOTENCY_KEY": "k1"}], ids=["without a key", "with a key"])
@pytest.mark.parametrize("way", BOOKINGS)
def test_booking_takes_few_statements(world: World, way: Callable[[World], Request], headers: Any) -> None:
    """BEGIN and COMMIT are savepoints here."""
    user, path, body = way(world)
    client = world.client(user)
    with CaptureQueriesContext(connection) as seen:
        assert client.post(path, body, **headers).status_code == 201

    of_key = OF_A_GUESTS_KEY if user is None else OF_A_KEY
    assert len(seen) <= BOOKINGS[way] + (of_key if headers else 0)


def test_hold_of_a_visitor_takes_nine_statements(world: World) -> None:
    body = {"practitioner": world.petra.practitioner.pk, "start": in_days(9)(9).isoformat()}
    with CaptureQueriesContext(connection) as seen:
        assert world.client().post("/api/v1/holds", body).status_code == 201
    assert len(seen) <= 9


def test_move_by_the_desk_takes_twenty_one_statements_with_its_answer(world: World) -> None:
    visit, client = world.book(in_days(9)(9)), world.client(world.sam)
    with CaptureQueriesContext(connection) as seen:
        moved = client.post(f"{APPOINTMENTS}/{visit.pk}/reschedule", {"start": in_days(9)(11).isoformat()})
    assert moved.status_code == 200
    assert len(seen) <= 21


def test_a_patient_s_request_and_cancellation_that_many_are_told_of_are_no_dearer(world: World) -> None:
    client = world.client(world.paula)
    start = in_days(9)(9).isoformat()
    for number in range(20):
        User.objects.create(email=f"desk{number}@riverside.example", name="Desk", role="staff", clinic=world.clinic)
    asked = queries(
        lambda: client.post(APPOINTMENTS, {"practitioner": world.petra.practitioner.pk, "start": start}), 201
    )
    appointment = Appointment.objects.get()
    cancelled = queries(lambda: client.post(f"{APPOINTMENTS}/{appointment.pk}/cancel"))
    assert max(asked, cancelled) <= MAX_FOR_A_WRITE


def test_sign_in_at_a_new_and_at_a_known_address_costs_few_statements(world: World) -> None:
    def sign_in() -> Any:
        return world.client().post("/api/token", {"username": world.sam.email, "password": PASSWORD})

    assert [queries(sign_in), queries(sign_in)] == [12, 10]


def test_user_of_a_request_is_read_without_an_order(world: World) -> None:
    """One row by its key: an order would be put together in Python for every request."""
    with CaptureQueriesContext(connection) as seen:
        assert get_session_user(user_id=world.sam.pk, token_version=world.sam.token_version) == world.sam
    assert ["ORDER BY" in query["sql"] for query in seen.captured_queries] == [False]
    assert get_session_user(user_id=world.sam.pk, token_version=world.sam.token_version + 1) is None


def test_index_of_active_visits_holds_exactly_the_active(world: World) -> None:
    appointment = world.book(in_days(2)(9))
    seen = set()
    for status, _ in Appointment._meta.get_field("status").choices or ():
        Appointment.objects.filter(pk=appointment.pk).update(status=status)
        if Appointment.objects.get(pk=appointment.pk).is_active:
            seen.add(status)
    assert seen == set(ACTIVE)
