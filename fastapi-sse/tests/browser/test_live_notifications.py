"""LiveNotifications in a real browser: the same life as a list of appointments, and how many are not read."""

import pytest

from testkit.stream.clinic import TestClinic
from testkit.stream.front_end import FrontEnd, Open
from testkit.stream.service import StreamService


def wait_for_unread(front_end: FrontEnd, count: int) -> None:
    front_end.page.wait_for_function("count => live.unreadCount === count", arg=count)


@pytest.mark.parametrize("transport", ["fetch", "eventsource"])
def test_list_follows_what_the_user_is_told_and_reads(open_page: Open, clinic: TestClinic, transport: str) -> None:
    first = clinic.tell(clinic.anna)
    front_end = open_page(clinic.anna)
    front_end.start("notifications", transport=transport)
    front_end.wait_for_ids(first)
    front_end.wait_for_state("live")
    second = clinic.tell(clinic.anna)
    clinic.tell(clinic.ben)
    front_end.wait_for_ids(second, first)
    wait_for_unread(front_end, 2)
    clinic.read(first)
    wait_for_unread(front_end, 1)
    assert front_end.page.evaluate("live.rows.map((row) => row.read_at === null)") == [True, False]
    clinic.database.execute("DELETE FROM message WHERE id = %s", second)
    front_end.wait_for_ids(first)
    wait_for_unread(front_end, 0)


def test_a_count_that_changes_alone_is_told(open_page: Open, clinic: TestClinic) -> None:
    oldest = clinic.tell(clinic.anna, sent_at="2026-01-01 12:00:00")
    for _ in range(50):
        clinic.tell(clinic.anna)
    front_end = open_page(clinic.anna)
    front_end.start("notifications")
    wait_for_unread(front_end, 51)
    clinic.read(oldest)
    wait_for_unread(front_end, 50)
    assert front_end.told["changes"][-1]["upserts"] == front_end.told["changes"][-1]["removes"] == []


def test_page_that_is_loaded_again_knows_the_count_and_asks_for_the_rest(open_page: Open, clinic: TestClinic) -> None:
    first = clinic.tell(clinic.anna)
    front_end = open_page(clinic.anna)
    front_end.start("notifications")
    wait_for_unread(front_end, 1)
    front_end.page.goto("about:blank")
    front_end.page.goto(f"{front_end.origin}/index.html")
    front_end.begin("notifications")
    front_end.wait_for_ids(first)
    assert front_end.page.evaluate("live.unreadCount") == 1
    front_end.wait_for_state("live")
    assert len(front_end.told["changes"]) == 1, "nothing was missed"


def test_tabs_share_one_connection_for_each_list(open_page: Open, service: StreamService, clinic: TestClinic) -> None:
    told, booked = clinic.tell(clinic.staff), clinic.book()
    tabs = [open_page() for _ in range(4)]
    for tab, (of, row_id) in zip(tabs, [("notifications", told), ("appointments", booked)] * 2, strict=True):
        tab.start(of)
        tab.wait_for_ids(row_id)
        tab.wait_for_state("live")
    assert service.get("/api/v1/health").json()["connections"] == 2
    second = clinic.tell(clinic.staff)
    for tab in tabs[::2]:
        tab.wait_for_ids(second, told)
        wait_for_unread(tab, 2)
    tabs[0].page.close()
    clinic.read(told)
    wait_for_unread(tabs[2], 1)
