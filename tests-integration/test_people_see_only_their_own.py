import httpx

from testkit.live.people import SignedIn, free_start, zone_of
from testkit.live.stack import LiveStack


def test_patients_see_only_their_own_in_both_services(stack: LiveStack) -> None:
    with SignedIn(stack, "patient", 0) as anna, SignedIn(stack, "patient", 1) as ben, SignedIn(stack, "staff") as staff:
        # Other stories give her a family.
        family = anna.get("/api/v1/users/me/family")["results"]
        own = {anna.get("/api/v1/users/me")["patient"], *(member["id"] for member in family)}
        with anna.watch() as phone:
            phone.next()
            rows = [*anna.every_page("/api/v1/appointments", scope="all"), *phone.shown.values()]
            assert {row["patient"] for row in rows} <= own
            for_ben = staff.book(free_start(zone_of(staff)), patient=ben.get("/api/v1/users/me")["patient"])
            assert anna.http.get(f"/api/v1/appointments/{for_ben['id']}").status_code == 404
            assert anna.post(f"/api/v1/appointments/{for_ben['id']}/cancel").status_code == 404
            assert phone.reader.stays_silent(1)


def test_family_is_seen_by_its_account_in_both_services_until_the_link_ends(stack: LiveStack) -> None:
    """On a stream that was open before, with the token of before."""
    with (
        SignedIn(stack, "patient", 0) as anna,
        SignedIn(stack, "patient", 1) as ben,
        SignedIn(stack, "staff") as staff,
        anna.watch() as phone,
        ben.watch() as other,
    ):
        phone.next()
        other.next()
        added = anna.post("/api/v1/users/me/family", {"name": "Mia Story"})
        assert added.status_code == 201, added.text
        mia = added.json()["id"]
        booked = staff.book(free_start(zone_of(staff)), patient=mia)
        phone.until(lambda shown: booked["id"] in shown)
        assert phone.shown[booked["id"]] == anna.get(f"/api/v1/appointments/{booked['id']}")
        assert anna.http.delete(f"/api/v1/users/me/family/{mia}").status_code == 204
        phone.until(lambda shown: booked["id"] not in shown)
        assert anna.http.get(f"/api/v1/appointments/{booked['id']}").status_code == 404
        staff.act(booked["id"], "cancel")
        assert phone.reader.stays_silent(0.5)
        assert other.reader.stays_silent(0.1)


def test_a_patients_own_view_leaves_out_internal_notes(stack: LiveStack) -> None:
    with SignedIn(stack, "patient") as anna, SignedIn(stack, "staff") as staff, anna.watch() as phone:
        phone.next()
        patient = anna.get("/api/v1/users/me")["patient"]
        booked = staff.book(free_start(zone_of(staff)), patient=patient, notes="anxious, be gentle")
        assert booked["notes"] == "anxious, be gentle"
        phone.until(lambda shown: booked["id"] in shown)
        assert "notes" not in phone.shown[booked["id"]]
        assert phone.shown[booked["id"]] == anna.get(f"/api/v1/appointments/{booked['id']}")
        assert b"anxious" not in phone.reader.raw


def test_practitioners_see_only_their_own_in_both_services(stack: LiveStack) -> None:
    with SignedIn(stack, "practitioner") as petra, petra.watch() as chair:
        chair.next()
        own_id = petra.get("/api/v1/users/me")["practitioner"]
        rows = [*petra.every_page("/api/v1/appointments", scope="all"), *chair.shown.values()]
        assert {row["practitioner"] for row in rows} == {own_id}


def test_a_filter_for_somebody_elses_shows_nothing(stack: LiveStack) -> None:
    with SignedIn(stack, "practitioner") as petra, SignedIn(stack, "owner") as owner:
        own_id = petra.get("/api/v1/users/me")["practitioner"]
        other = next(row["id"] for row in owner.get("/api/v1/practitioners")["results"] if row["id"] != own_id)
        assert petra.get("/api/v1/appointments", scope="all", practitioner=other)["count"] == 0
        with petra.watch(practitioner=f"{other}") as chair:
            chair.next()
            assert chair.shown == {}


def test_both_services_know_the_same_viewer(stack: LiveStack) -> None:
    for role in ("owner", "staff", "practitioner", "patient"):
        with SignedIn(stack, role) as person:
            me = person.get("/api/v1/users/me")
            headers = {"Authorization": f"Bearer {person.token}"}
            viewer = httpx.get(f"{stack.stream_url}/api/v1/auth/test", headers=headers).json()
            assert (viewer["user_id"], viewer["role"], viewer["clinic_id"]) == (me["id"], role, me["clinic"])
