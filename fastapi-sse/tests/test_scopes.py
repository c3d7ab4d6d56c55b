from testkit.stream.clinic import Person, TestClinic
from testkit.stream.database import Database
from testkit.stream.service import StreamService


def shown_to(service: StreamService, person: Person, query: str = "") -> list[int]:
    with service.stream(person.token(), query) as stream:
        return [row["id"] for row in stream.next_event().json["appointments"]]


def test_owner_and_staff_see_their_whole_clinic(service: StreamService, clinic: TestClinic) -> None:
    ids = [clinic.book(clinic.petra, clinic.anna), clinic.book(clinic.paul, clinic.ben, day=1)]
    assert shown_to(service, clinic.owner) == ids
    assert shown_to(service, clinic.staff) == ids


def test_practitioner_sees_their_own_list(service: StreamService, clinic: TestClinic) -> None:
    own = clinic.book(clinic.petra)
    clinic.book(clinic.paul)
    assert shown_to(service, clinic.petra) == [own]


def test_practitioner_cannot_see_a_colleague_by_asking_for_them(service: StreamService, clinic: TestClinic) -> None:
    clinic.book(clinic.petra)
    clinic.book(clinic.paul)
    assert shown_to(service, clinic.petra, f"practitioner={clinic.paul.row_id}") == []


def test_patient_sees_only_their_own_in_the_live_window(service: StreamService, clinic: TestClinic) -> None:
    own = [clinic.book(patient=clinic.anna, day=day) for day in (-1, 0, 8, 31)]
    clinic.book(patient=clinic.anna, day=32)
    clinic.book(patient=clinic.ben)
    clinic.book(patient=clinic.guest_id)
    assert shown_to(service, clinic.anna) == own


def test_visit_whose_patient_asks_to_move_is_seen_however_far_ahead_until_it_is_answered(
    service: StreamService, clinic: TestClinic
) -> None:
    far = clinic.book(clinic.petra, day=60)
    others_far = clinic.book(clinic.paul, day=61)
    with service.stream(clinic.owner.token(), "mode=delta") as open_stream:
        assert open_stream.next_event().json["appointments"] == []
        clinic.update(far, requested_start=clinic.instant(clinic.day(62), 10 * 60))
        assert [row["id"] for row in open_stream.next_event().json["upserts"]] == [far]
        clinic.update(others_far, requested_start=clinic.instant(clinic.day(62), 10 * 60))
        open_stream.next_event()
        assert shown_to(service, clinic.owner) == [far, others_far]
        assert shown_to(service, clinic.petra) == [far]
        clinic.update(far, requested_start=None)
        assert open_stream.next_event().json["removes"] == [far]
        clinic.update(others_far, status="cancelled")
        assert open_stream.next_event().json["removes"] == [others_far]


def test_patient_gets_no_internal_notes(service: StreamService, clinic: TestClinic) -> None:
    clinic.database.execute("UPDATE patient SET alert = 'latex' WHERE id = %s", clinic.anna.row_id)
    clinic.book(patient=clinic.anna, notes="internal: allergic to flattery")
    with service.stream(clinic.anna.token()) as annas, service.stream(clinic.owner.token()) as owners:
        [for_anna] = annas.next_event().json["appointments"]
        [for_owner] = owners.next_event().json["appointments"]
    assert for_anna.keys().isdisjoint({"notes", "patient_alert"})
    assert "flattery" not in annas.raw.decode()
    assert "latex" not in annas.raw.decode()
    assert for_owner == {**for_anna, "notes": "internal: allergic to flattery", "patient_alert": "latex"}


def test_owner_of_another_clinic_sees_nothing_of_this_one(
    service: StreamService, clinic: TestClinic, database: Database
) -> None:
    other = TestClinic(database, zone="America/New_York")
    own = other.book()
    clinic.book()
    assert shown_to(service, other.owner) == [own]
    assert shown_to(service, other.owner, f"practitioner={clinic.petra.row_id}") == []
    with service.stream(other.owner.token()) as stream:
        stream.next_event()
        clinic.book()
        assert stream.stays_silent(0.3)


def test_administrator_without_clinic_is_told_so(service: StreamService, clinic: TestClinic) -> None:
    response = service.get("/api/v1/sse/appointments", token=clinic.admin().token())
    assert response.status_code == 403
    assert response.json()["errors"][0]["code"] == "no_clinic"


def test_times_are_the_clinic_s(service: StreamService, database: Database) -> None:
    clinic = TestClinic(database, zone="Asia/Kathmandu")
    clinic.book()
    with service.stream(clinic.owner.token()) as stream:
        [row] = stream.next_event().json["appointments"]
    assert row["start"] == f"{clinic.today}T07:00:00+05:45"
    assert row["end"] == f"{clinic.today}T07:30:00+05:45"
    assert (row["date"], row["time"]) == (str(clinic.today), "07:00")
