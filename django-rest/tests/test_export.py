import copy
import csv
import io
import tracemalloc
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.export import BYTE_ORDER_MARK, FORMULA_STARTS, ROWS_AT_ONCE, csv_pieces, in_chunks
from clinic.appointments.models import Appointment
from clinic.appointments.queries import ORDERINGS, AppointmentFilter, list_appointments
from clinic.people.models import Patient
from django.db import connection
from django.test.utils import CaptureQueriesContext

from testkit.clinic.answers import APPOINTMENTS, attr_of
from testkit.clinic.times import At
from testkit.clinic.world import World, as_new, fresh

EXPORT = "/api/v1/appointments/export.csv"


def download(world: World, by: User | None = None, **query: Any) -> str:
    return b"".join(pieces_of(world.client(by or world.sam).get(EXPORT, query))).decode("utf-8-sig")


def pieces_of(response: Any) -> list[bytes]:
    assert response.status_code == 200
    return list(response.streaming_content)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def fill(world: World, start: datetime, count: int) -> None:
    """So many, of which several share a start, as many practitioners do."""
    first = world.book(start)
    rows = []
    for index in range(count - 1):
        row = as_new(copy.copy(first))
        row.status = "completed"
        row.starts_at = row.blocked_from = first.starts_at + timedelta(minutes=30 * (index // 7))
        row.ends_at = row.blocked_until = row.starts_at + timedelta(minutes=30)
        rows.append(row)
    Appointment.objects.bulk_create(rows, batch_size=1000)


def test_the_file_holds_what_the_list_shows(world: World, tomorrow_at: At) -> None:
    world.book(tomorrow_at(9), notes='says "ouch", twice\nand again', service=world.check_up)
    world.book(tomorrow_at(10), patient=world.pete)
    listed = world.client(world.sam).get(APPOINTMENTS).json()["results"]
    rows = rows_of(download(world))
    assert len(rows) == len(listed) == 2
    for row, shown in zip(rows, listed, strict=True):
        for name, cell in row.items():
            value = "" if shown[name] is None else str(shown[name])
            assert cell == (f"'{value}" if name == "patient_phone" else value)
    assert rows[0]["notes"] == 'says "ouch", twice\nand again'


def test_the_file_is_rfc_4180(world: World, tomorrow_at: At) -> None:
    world.book(tomorrow_at(9), notes='a, "b"')
    response = world.client(world.sam).get(EXPORT)
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"] == 'attachment; filename="appointments.csv"'
    text = b"".join(pieces_of(response)).decode()
    assert text.endswith("\r\n")
    assert text.count("\r\n") == text.count("\n") == 2
    assert '"a, ""b"""' in text
    assert text.startswith(BYTE_ORDER_MARK + "id,clinic,patient,"), "or Excel shows Ã¼ for ü"


def test_an_empty_list_is_its_header(world: World) -> None:
    text = download(world)
    assert text.count("\r\n") == 1
    assert "dentist" not in text


@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_nothing_in_the_file_is_a_formula(world: World, tomorrow_at: At, start: str) -> None:
    evil = f"{start}HYPERLINK(1)"
    appointment = world.book(tomorrow_at(9), notes=evil)
    Patient.objects.filter(pk=appointment.patient_id).update(name=evil, email=evil)
    Appointment.objects.filter(pk=appointment.pk).update(cancel_reason=evil)
    row = rows_of(download(world))[0]
    for name in ("patient_name", "patient_email", "notes", "cancel_reason"):
        assert row[name] == f"'{evil}"
    assert not any(cell.startswith(FORMULA_STARTS) for cell in row.values())


def test_the_filters_are_those_of_the_list(world: World, tomorrow_at: At) -> None:
    world.book(tomorrow_at(9))
    world.book(tomorrow_at(10), patient=world.pete)
    gone = world.book(tomorrow_at(11))
    Appointment.objects.filter(pk=gone.pk).update(status="cancelled")
    day = f"{tomorrow_at(9):%Y-%m-%d}"
    queries: list[dict[str, Any]] = [
        {"search": "pete"},
        {"scope": "history"},
        {"status": "cancelled,confirmed", "ordering": "-patient_name", "date": day},
        {"date": day, "practitioner": world.petra.practitioner.pk},
        {"to": "2020-01-01"},
    ]
    for query in queries:
        listed = world.client(world.sam).get(APPOINTMENTS, query).json()["results"]
        assert [row["id"] for row in rows_of(download(world, **query))] == [str(shown["id"]) for shown in listed]


def test_each_exports_what_they_may_see(world: World, tomorrow_at: At) -> None:
    world.book(tomorrow_at(9), notes="afraid of drills")
    world.book(tomorrow_at(9), patient=world.pete, practitioner=world.quentin)
    assert len(rows_of(download(world, world.olga))) == 2
    assert len(rows_of(download(world, world.quentin))) == 1
    assert rows_of(download(world, world.otto)) == []
    own = download(world, world.paula)
    assert len(rows_of(own)) == 1
    assert "notes" not in own
    assert "drills" not in own


def test_csv_is_accepted_and_a_refusal_is_json(world: World) -> None:
    client = world.client(world.sam)
    assert client.get(EXPORT, HTTP_ACCEPT="text/csv").status_code == 200
    refused = client.get(EXPORT, {"scope": "mine"}, HTTP_ACCEPT="text/csv")
    assert (refused.status_code, attr_of(refused)) == (400, "scope")


@pytest.mark.parametrize("ordering", [f"{sign}{name}" for name in ORDERINGS for sign in ("", "-")])
def test_chunks_leave_nothing_out_in_any_order(
    world: World, tomorrow_at: At, ordering: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(world, tomorrow_at(9), 20)
    for number, appointment in enumerate(Appointment.objects.order_by("pk")):
        Appointment.objects.filter(pk=appointment.pk).update(patient=(world.paula, world.pete)[number % 2].patient)
    wanted = AppointmentFilter(scope="all", ordering=ordering)
    whole = [row.id for row in list_appointments(fresh(world.sam), wanted).rows(slice(20))]
    for size in (1, 3, 20):
        monkeypatch.setattr("clinic.appointments.export.ROWS_AT_ONCE", size)
        assert [row.id for row in in_chunks(list_appointments(fresh(world.sam), wanted))] == whole
    assert len(whole) == 20


def test_the_file_is_sent_in_pieces_with_a_query_each(world: World, tomorrow_at: At) -> None:
    fill(world, tomorrow_at(9), 2 * ROWS_AT_ONCE + 1)
    client = world.client(world.sam)
    with CaptureQueriesContext(connection) as seen:
        pieces = pieces_of(client.get(EXPORT, {"scope": "all"}))
    assert len(pieces) == 3
    assert sum(piece.count(b"\r\n") for piece in pieces) == 2 * ROWS_AT_ONCE + 2
    assert len(seen) == 7  # Who asks, and two for each of three chunks.


def test_ten_times_the_rows_take_the_same_memory(world: World, tomorrow_at: At) -> None:
    fill(world, tomorrow_at(9), 3 * ROWS_AT_ONCE)
    appointments = list_appointments(fresh(world.sam), AppointmentFilter(scope="all"))

    def rows(times: int) -> Iterator[dict[str, Any]]:
        for _ in range(times):
            for appointment in in_chunks(appointments):
                yield {"id": appointment.id, "notes": appointment.notes}

    def peak(times: int) -> int:
        tracemalloc.start()
        for _ in csv_pieces(rows(times), ["id", "notes"]):
            pass
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(1)  # What is made once and kept: compiled patterns, caches.
    small, large = peak(1), peak(10)
    assert large < small * 1.3
