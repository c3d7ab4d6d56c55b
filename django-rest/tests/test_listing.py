import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.models import Appointment
from clinic.appointments.queries import WHOLE_ORDERINGS
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic, Practitioner, Service
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from testkit.clinic.answers import APPOINTMENTS, attr_of, refusal
from testkit.clinic.times import At, in_days
from testkit.clinic.world import World

CONTRACT = Path(__file__).resolve().parents[2] / "shared-config" / "contract" / "appointment.json"


@pytest.fixture
def diary(world: World) -> dict[str, Appointment]:
    """Riverside's next days, by a word for each."""
    first, second = in_days(1), in_days(2)
    booked = {
        "confirmed": world.book(first(9)),
        "pending": world.book(first(10), patient=world.pete),
        "arrived": world.book(first(9), patient=world.pete, practitioner=world.quentin),
        "cancelled": world.book(first(11)),
        "done": world.book(second(9), patient=world.pete),
        "missed": world.book(second(10)),
        "refused": world.book(second(11), practitioner=world.quentin),
    }
    statuses = {"arrived": "checked_in", "done": "completed", "missed": "no_show", "refused": "rejected"}
    for word in booked.keys() - {"confirmed"}:
        Appointment.objects.filter(pk=booked[word].pk).update(status=statuses.get(word, word))
    return booked


@pytest.fixture
def listed(world: World, diary: dict[str, Appointment]) -> Callable[..., list[str]]:
    """The words of the appointments that somebody's list shows, in its order."""
    words = {appointment.pk: word for word, appointment in diary.items()}

    def read(by: User | None = None, **query: Any) -> list[str]:
        response = world.client(by or world.sam).get(APPOINTMENTS, query)
        assert response.status_code == 200, response.json()
        return [words[shown["id"]] for shown in response.json()["results"]]

    return read


Listed = Callable[..., list[str]]


def test_the_list_shows_what_is_active_by_its_start(listed: Listed) -> None:
    assert listed() == ["confirmed", "arrived", "pending"]


def test_scope_shows_the_past_or_everything_the_latest_first(listed: Listed) -> None:
    assert listed(scope="active") == ["confirmed", "arrived", "pending"]
    assert listed(scope="history") == ["refused", "missed", "done", "cancelled"]
    assert listed(scope="all") == ["refused", "missed", "done", "cancelled", "pending", "arrived", "confirmed"]


def test_a_status_is_asked_for_in_any_scope_and_spelling(listed: Listed) -> None:
    assert listed(status="pending") == ["pending"]
    assert listed(status="cancelled") == ["cancelled"]
    assert listed(status="PENDING,No-Show") == ["pending", "missed"]
    assert listed(status="approved") == ["confirmed"]


def test_days_are_the_clinics_and_included(listed: Listed) -> None:
    first, second, third = (f"{in_days(day)(9):%Y-%m-%d}" for day in (1, 2, 3))
    on_the_first = {"confirmed", "arrived", "pending", "cancelled"}
    assert set(listed(scope="all", date=first)) == on_the_first
    assert set(listed(scope="all", date=second)) == {"done", "missed", "refused"}
    assert set(listed(scope="all", **{"from": second})) == {"done", "missed", "refused"}
    assert set(listed(scope="all", to=first)) == on_the_first
    assert len(listed(scope="all", **{"from": first, "to": second})) == 7
    assert listed(scope="all", **{"from": third}) == []


def test_a_late_evening_belongs_to_the_clinics_day(world: World) -> None:
    # 00:30 in Berlin, which is the day before in UTC.
    start = in_days(3)(0, 30)
    world.book(start, outside_hours=True)
    client = world.client(world.sam)
    assert client.get(APPOINTMENTS, {"date": f"{start:%Y-%m-%d}"}).json()["count"] == 1
    assert client.get(APPOINTMENTS, {"date": f"{start - timedelta(days=1):%Y-%m-%d}"}).json()["count"] == 0


def test_one_practitioner_or_one_patient(world: World, listed: Listed) -> None:
    assert listed(practitioner=world.quentin.practitioner.pk) == ["arrived"]
    assert listed(patient=world.paula.patient.pk) == ["confirmed"]
    assert listed(scope="all", patient=world.pete.patient.pk, practitioner=world.petra.practitioner.pk) == [
        "done",
        "pending",
    ]
    assert listed(practitioner=10**9) == []


def test_search_looks_into_name_mail_and_phone(world: World, listed: Listed) -> None:
    Patient.objects.filter(user=world.pete).update(phone="+4930555777")
    assert listed(search="paul") == ["confirmed"]
    assert listed(search="PETE@") == ["arrived", "pending"]
    assert listed(search="555777") == ["arrived", "pending"]
    assert listed(search="030 555-777") == ["arrived", "pending"]
    assert listed(search="pete riverside") == ["arrived", "pending"]
    assert listed(search="  Paula  ") == ["confirmed"]
    assert listed(search="%") == listed(search="_") == []
    assert listed(search="nobody") == []


@pytest.mark.parametrize(
    ("ordering", "key"),
    [
        ("start", lambda row: row.starts_at),
        ("created_at", lambda row: row.created_at),
        ("updated_at", lambda row: row.updated_at),
        ("status", lambda row: row.status),
        ("patient_name", lambda row: row.patient.name),
        ("practitioner_name", lambda row: row.practitioner.name),
    ],
)
def test_each_ordering_goes_both_ways(
    listed: Listed, diary: dict[str, Appointment], ordering: str, key: Callable[[Appointment], Any]
) -> None:
    for minutes, appointment in enumerate(reversed(diary.values())):
        Appointment.objects.filter(pk=appointment.pk).update(updated_at=datetime.now(UTC) + timedelta(minutes=minutes))
    rows = {word: Appointment.objects.get(pk=appointment.pk) for word, appointment in diary.items()}
    expected = sorted(rows, key=lambda word: (key(rows[word]), rows[word].pk))
    days = {"from": f"{in_days(1)(9):%Y-%m-%d}", "to": f"{in_days(2)(9):%Y-%m-%d}"}
    queries = [days] if ordering not in WHOLE_ORDERINGS else [days, {}]
    for query in queries:
        assert listed(scope="all", ordering=ordering, **query) == expected
        assert listed(scope="all", ordering=f"-{ordering}", **query) == expected[::-1]


@pytest.mark.parametrize(
    "query",
    [
        {"ordering": "patient_name"},
        {"ordering": "-status", "from": "2026-11-01"},
        {"ordering": "practitioner_name", "from": "2026-11-01", "to": "2026-12-02"},
        {"ordering": "updated_at", "to": "2026-12-02"},
    ],
)
def test_order_that_is_sorted_takes_31_days_at_most(world: World, query: dict[str, str]) -> None:
    response = world.client(world.sam).get(APPOINTMENTS, query)
    assert (refusal(response), attr_of(response)) == ((400, "range_too_long"), "ordering")


def test_each_role_sees_its_rows(world: World, listed: Listed, diary: dict[str, Appointment]) -> None:
    assert set(listed(world.olga, scope="all")) == set(listed(world.sam, scope="all")) == set(diary)
    assert set(listed(world.quentin, scope="all")) == {"arrived", "refused"}
    assert set(listed(world.paula, scope="all")) == {"confirmed", "cancelled", "missed", "refused"}
    assert listed(world.otto, scope="all") == []
    assert listed(world.otto, scope="all", practitioner=world.petra.practitioner.pk) == []
    assert listed(world.paula, scope="all", patient=world.pete.patient.pk) == []


def test_a_practitioner_who_has_left_sees_nothing(world: World, listed: Listed) -> None:
    Practitioner.objects.filter(user=world.quentin).update(active=False)
    assert listed(world.quentin, scope="all") == []


@pytest.mark.parametrize(
    ("query", "attr"),
    [
        ({"scope": "mine"}, "scope"),
        ({"status": "perhaps"}, "status"),
        ({"status": "pending,perhaps"}, "status"),
        ({"date": "2026-02-30"}, "date"),
        ({"date": "tomorrow"}, "date"),
        ({"from": "2026-13-01"}, "from"),
        ({"from": "2026-03-02", "to": "2026-03-01"}, "to"),
        ({"practitioner": "petra"}, "practitioner"),
        ({"practitioner": "0"}, "practitioner"),
        ({"patient": "-1"}, "patient"),
        ({"search": "x" * 101}, "search"),
        ({"search": "a\0b"}, "search"),
        ({"ordering": "notes"}, "ordering"),
        ({"ordering": "--start"}, "ordering"),
        ({"ordering": "patient__user__password"}, "ordering"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused_by_name(world: World, query: dict[str, str], attr: str) -> None:
    response = world.client(world.sam).get(APPOINTMENTS, query)
    assert (response.status_code, attr_of(response)) == (400, attr), response.json()


def test_the_list_comes_in_pages(world: World) -> None:
    for hour in range(8, 13):
        world.book(in_days(2)(hour))
    client = world.client(world.sam)
    first = client.get(APPOINTMENTS, {"page_size": 2}).json()
    assert list(first) == ["count", "count_is_exact", "next", "previous", "after", "results"]
    assert (first["count"], first["previous"], len(first["results"])) == (5, None, 2)
    second = client.get(first["next"]).json()
    third = client.get(second["next"]).json()
    assert (len(second["results"]), len(third["results"]), third["next"]) == (2, 1, None)
    assert client.get(second["previous"]).json()["results"] == first["results"]
    times = [shown["time"] for page in (first, second, third) for shown in page["results"]]
    assert times == ["08:00", "09:00", "10:00", "11:00", "12:00"]


@pytest.mark.parametrize("page", ["99", "0", "-1", "two", "9" * 30, "9" * 5000])
def test_a_page_that_does_not_exist_is_not_found(world: World, page: str) -> None:
    assert refusal(world.client(world.sam).get(APPOINTMENTS, {"page": page})) == (404, "not_found")


def test_the_size_of_a_page_has_a_limit(world: World) -> None:
    start = in_days(400)(8)
    rows = [unsaved(world, start + timedelta(minutes=30 * index)) for index in range(201)]
    Appointment.objects.bulk_create(rows)
    client = world.client(world.sam)
    assert len(client.get(APPOINTMENTS).json()["results"]) == 50
    assert len(client.get(APPOINTMENTS, {"page_size": 10_000}).json()["results"]) == 200
    assert len(client.get(APPOINTMENTS).json()["results"]) == 50
    for size in ("many", "0", "-1", "1.5", ""):
        refused = client.get(APPOINTMENTS, {"page_size": size})
        assert (refusal(refused), attr_of(refused)) == ((400, "invalid"), "page_size")


def unsaved(world: World, start: datetime, practitioner: Practitioner | None = None) -> Appointment:
    end = start + timedelta(minutes=30)
    now = datetime.now(UTC)
    return Appointment(
        clinic=world.clinic,
        patient=world.paula.patient,
        practitioner=practitioner or world.petra.practitioner,
        service=world.check_up,
        starts_at=start,
        ends_at=end,
        blocked_from=start,
        blocked_until=end,
        local_date=start.date(),
        status="confirmed",
        source="desk",
        created_at=now,
        updated_at=now,
    )


# The history looks up the names of practitioners and services, all of a page at once; patients, who may be the same
# person and who books for whom.
@pytest.mark.parametrize(("path", "most"), [(APPOINTMENTS, 4), ("/api/v1/history", 6), ("/api/v1/patients", 8)])
def test_a_longer_list_takes_no_more_queries(world: World, path: str, most: int) -> None:
    def queries_with(rows: int) -> int:
        for _ in range(rows):
            day = in_days(10)(8) + timedelta(days=Appointment.objects.count())
            patient = Patient.objects.create(clinic=world.clinic, name="Another")
            practitioner = Practitioner.objects.create(clinic=world.clinic, name="Dr Else")
            appointment = unsaved(world, day, practitioner)
            appointment.patient = patient
            appointment.save()
            world.client(world.sam).patch(f"{APPOINTMENTS}/{appointment.pk}", {"notes": "seen"})
        client = world.client(world.sam)
        with CaptureQueriesContext(connection) as captured:
            assert len(client.get(path).json()["results"]) >= rows
        return len(captured)

    assert queries_with(3) == queries_with(27) <= most


@pytest.fixture
def contract(world: World) -> dict[str, Any]:
    """The contract's example document, with its row standing in the database."""
    document: dict[str, Any] = json.loads(CONTRACT.read_text())
    row = document["row"]
    clinic = Clinic.objects.create(id=row["clinic_id"], name="Contract", slug="contract", timezone=document["zone"])
    user = User.objects.create(email="anna@contract.example", name="Anna", role="patient", clinic=clinic)
    patient = Patient.objects.create(
        id=row["patient_id"],
        clinic=clinic,
        user=user,
        name=row["patient_name"],
        email=row["patient_email"],
        phone=row["patient_phone"],
        phone_extension=row["patient_phone_extension"],
        alert=row["patient_alert"],
    )
    User.objects.create(email="otis@contract.example", name="Otis", role="owner", clinic=clinic)
    practitioner = Practitioner.objects.create(id=row["practitioner_id"], clinic=clinic, name=row["practitioner_name"])
    service = Service.objects.create(
        id=row["service_id"],
        clinic=clinic,
        name=row["service_name"],
        color=row["service_color"],
        duration_minutes=30,
    )
    instants = {
        name: datetime.fromisoformat(row[name]).replace(tzinfo=UTC)
        for name in (
            *("starts_at", "ends_at", "attendance_confirmed_at", "requested_start", "created_at", "updated_at"),
        )
    }
    names = (
        "id",
        "status",
        "notes",
        "cancel_reason",
        "source",
        "series_id",
        "version",
        "reference",
        "request_note",
        "room",
    )
    same = {name: row[name] for name in names}
    Appointment.objects.create(
        clinic=clinic,
        patient=patient,
        practitioner=practitioner,
        service=service,
        blocked_from=instants["starts_at"],
        blocked_until=instants["ends_at"],
        local_date=date.fromisoformat(row["local_date"]),
        checked_in_at=row["checked_in_at"],
        **instants,
        **same,
    )
    return document


@pytest.mark.parametrize(
    ("viewer", "email", "more"),
    [("staff", "otis@contract.example", [("undo_until", None)]), ("patient", "anna@contract.example", [])],
)
def test_an_appointment_reads_as_the_contract_has_it(
    world: World, contract: dict[str, Any], viewer: str, email: str, more: list[tuple[str, None]]
) -> None:
    client = world.client(User.objects.get(email=email))
    shown = client.get(f"{APPOINTMENTS}/{contract['row']['id']}").json()
    assert list(shown.items()) == [*contract[viewer].items(), *more]
    assert client.get(APPOINTMENTS).json()["results"] == [contract[viewer]]


def test_the_published_view_is_the_contracts_row(contract: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM live_appointment WHERE id = %s", [contract["row"]["id"]])
        (row,) = cursor.fetchall()
        columns = [column[0] for column in cursor.description]

    def said(value: Any) -> Any:
        if isinstance(value, datetime):  # The stream's driver leaves UTC unsaid.
            return value.replace(tzinfo=None).isoformat()
        return value.isoformat() if isinstance(value, date) else value

    assert [(name, said(value)) for name, value in zip(columns, row, strict=True)] == list(contract["row"].items())


def test_a_patients_own_view_has_no_notes(world: World) -> None:
    appointment = world.book(in_days(5)(9), notes="pays late")
    client = world.client(world.paula)
    shown = [
        client.get(f"{APPOINTMENTS}/{appointment.pk}").json(),
        *client.get(APPOINTMENTS).json()["results"],
        client.post(f"{APPOINTMENTS}/{appointment.pk}/confirm").json(),
        client.post(f"{APPOINTMENTS}/{appointment.pk}/cancel").json(),
    ]
    assert len(shown) == 4
    for document in shown:
        assert document["id"] == appointment.pk
        assert "notes" not in document
    assert "pays late" not in client.get("/api/v1/history").content.decode()
    assert world.client(world.sam).get(f"{APPOINTMENTS}/{appointment.pk}").json()["notes"] == "pays late"


def test_older_front_ends_filter_by_dentist(world: World, tomorrow_at: At) -> None:
    world.book(tomorrow_at(9))
    other = world.book(tomorrow_at(9), practitioner=world.quentin, patient=world.pete)
    client = world.client(world.sam)
    for path in (APPOINTMENTS, "/api/appointments"):
        found = client.get(path, {"dentist": world.quentin.practitioner.pk}).json()["results"]
        assert [row["id"] for row in found] == [other.pk]
    exported = client.get(f"{APPOINTMENTS}/export.csv", {"dentist": world.quentin.practitioner.pk})
    assert exported.getvalue().decode().count("\r\n") == 2


@pytest.mark.parametrize("who", ["quentin", "pete", "otto"])
def test_a_strangers_appointment_is_not_found(world: World, tomorrow_at: At, who: str) -> None:
    appointment = world.book(tomorrow_at(9))
    response = world.client(getattr(world, who)).get(f"{APPOINTMENTS}/{appointment.pk}")
    assert refusal(response) == (404, "not_found")


def test_a_count_is_remembered_until_something_changes(committed_world: World) -> None:
    world = committed_world
    first = world.book(in_days(1)(9))
    world.book(in_days(1)(11))
    client = world.client(world.sam)

    def count(**query: Any) -> int:
        # A page with more behind it: another one tells how many there are.
        return int(client.get(APPOINTMENTS, {**query, "page_size": 1}).json()["count"])

    def counts_made() -> int:
        with CaptureQueriesContext(connection) as seen:
            count()
        return len([query for query in seen.captured_queries if "COUNT(" in query["sql"]])

    assert [counts_made(), counts_made()] == [1, 0]
    assert (count(), count(scope="history"), count(search="pete")) == (2, 0, 0)
    world.book(in_days(1)(10))
    assert (count(), world.client(world.quentin).get(f"{APPOINTMENTS}?page_size=1").json()["count"]) == (3, 0)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE appointment SET status = 'cancelled' WHERE id = %s", [first.pk])
    assert (count(), count(scope="history")) == (2, 1)
    Patient.objects.filter(user=world.paula).update(name="Pete the Second")
    assert count(search="pete") == 2


def test_a_count_that_is_undone_is_not_remembered(committed_world: World) -> None:
    world = committed_world
    client = world.client(world.sam)
    world.book(in_days(1)(8))
    with transaction.atomic():
        world.book(in_days(1)(9))
        assert client.get(f"{APPOINTMENTS}?page_size=1").json()["count"] == 2
        transaction.set_rollback(True)
    Patient.objects.filter(user=world.pete).update(name="Pit")  # Takes the number that the booking had.
    assert client.get(f"{APPOINTMENTS}?page_size=1").json()["count"] == 1
