"""EventSource as the browser has it: any status but 200 ends it for ever, so nothing that passes may be one."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from testkit.stream.clinic import TestClinic
from testkit.stream.front_end import evaluate_within
from testkit.stream.service import StartService, StreamService

OPEN = """async (address) => {
  window.told = [];
  window.source = new EventSource(address);
  source.onmessage = ({ data }) => told.push(JSON.parse(data).appointments.map(({ id }) => id));
  window.gone = new Promise((resolve) => {
    source.addEventListener("error", () => source.readyState === EventSource.CLOSED && resolve(true));
  });
}"""
IS_CLOSED = "source.readyState === EventSource.CLOSED"


@pytest.fixture
def page(browser: Browser, origin: str) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(25_000)
    page.goto(f"{origin}/index.html")
    yield page
    context.close()


def address_of(service: StreamService, clinic: TestClinic) -> str:
    return f"{service.url}/api/v1/sse/appointments?ticket={clinic.staff.ticket()}"


def wait_until_told(page: Page, *ids: int) -> None:
    page.wait_for_function("ids => JSON.stringify(told.at(-1)) === JSON.stringify(ids)", arg=list(ids))


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_restart_is_survived_and_brings_what_was_missed(
    start_service: StartService, page: Page, clinic: TestClinic, origin: str, how: str
) -> None:
    service = start_service(cors_allowed_origins=origin)
    first = clinic.book()
    page.evaluate(OPEN, address_of(service, clinic))
    wait_until_told(page, first)
    if how == "stopped":
        service.stop()
    else:
        service.kill()
    second = clinic.book(day=1)
    service.start()
    wait_until_told(page, first, second)
    assert page.evaluate("told.length") == 2
    assert not page.evaluate(IS_CLOSED)


def test_full_service_lets_it_in_as_soon_as_there_is_room(
    start_service: StartService, page: Page, clinic: TestClinic, origin: str
) -> None:
    service = start_service(cors_allowed_origins=origin, sse_max_connections=1)
    booked = clinic.book()
    with service.stream(clinic.owner.token()) as stream:
        stream.next_event()
        page.evaluate(OPEN, address_of(service, clinic))
        page.wait_for_timeout(1000)
        assert not page.evaluate(IS_CLOSED)
    wait_until_told(page, booked)


def test_signed_out_reader_is_told_to_stop(
    start_service: StartService, page: Page, clinic: TestClinic, origin: str
) -> None:
    service = start_service(cors_allowed_origins=origin)
    page.evaluate(OPEN, address_of(service, clinic))
    wait_until_told(page)
    clinic.database.execute("UPDATE account_user SET token_version = 2 WHERE id = %s", clinic.staff.user_id)
    assert evaluate_within(page, "() => gone")
