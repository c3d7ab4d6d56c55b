"""An account's stream shows the visits of the records it books for, as long as it does."""

import pytest

from testkit.stream.clinic import Person, TestClinic
from testkit.stream.service import StreamService


def shown_to(service: StreamService, person: Person) -> list[int]:
    with service.stream(person.token()) as stream:
        return [row["id"] for row in stream.next_event().json["appointments"]]


def test_visits_of_the_family_are_shown_to_its_account_alone(service: StreamService, clinic: TestClinic) -> None:
    own, gwens = clinic.book(patient=clinic.anna), clinic.book(patient=clinic.guest_id)
    clinic.join_family(clinic.anna, clinic.guest_id)
    assert shown_to(service, clinic.anna) == [own, gwens]
    assert shown_to(service, clinic.ben) == []


@pytest.mark.parametrize("mode", ["snapshot", "delta"])
def test_open_stream_follows_its_family_without_another_token(
    service: StreamService, clinic: TestClinic, mode: str
) -> None:
    own, gwens = clinic.book(patient=clinic.anna), clinic.book(patient=clinic.guest_id)
    with service.stream(clinic.anna.token(), f"mode={mode}") as stream, service.stream(clinic.ben.token()) as others:
        assert [row["id"] for row in stream.next_event().json["appointments"]] == [own]
        others.next_event()
        member_id = clinic.join_family(clinic.anna, clinic.guest_id)
        added = stream.next_event().json
        assert [row["id"] for row in added["upserts" if mode == "delta" else "appointments"]][-1] == gwens
        clinic.update(gwens, status="cancelled")
        changed = stream.next_event().json
        assert changed["upserts" if mode == "delta" else "appointments"][-1]["status"] == "cancelled"
        clinic.database.execute("DELETE FROM family_member WHERE id = %s", member_id)
        gone = stream.next_event().json
        assert gone["removes"] == [gwens] if mode == "delta" else [row["id"] for row in gone["appointments"]] == [own]
        clinic.update(gwens, notes="after the end")
        assert stream.stays_silent(0.3)
        assert others.stays_silent(0.1)


def test_reader_who_comes_back_after_a_change_of_the_family_gets_a_snapshot(
    service: StreamService, clinic: TestClinic
) -> None:
    own, gwens = clinic.book(patient=clinic.anna), clinic.book(patient=clinic.guest_id)
    member_id = clinic.join_family(clinic.anna, clinic.guest_id)
    with service.stream(clinic.anna.token(), "mode=delta") as stream:
        first = stream.next_event()
        assert [row["id"] for row in first.json["appointments"]] == [own, gwens]
    clinic.database.execute("DELETE FROM family_member WHERE id = %s", member_id)
    with service.stream(clinic.anna.token(), "mode=delta", last_event_id=first.id) as stream:
        shown = {row["id"] for row in stream.next_named("snapshot").json["appointments"]}
        if gwens in shown:  # Access ends within a second, on new streams as on open ones.
            shown -= set(stream.next_named("change").json["removes"])
        assert shown == {own}
