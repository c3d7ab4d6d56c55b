"""Every page in a real browser: its content security policy refuses nothing that the page needs."""

from playwright.sync_api import Browser

from testkit.live.browsing import Board, sign_in
from testkit.live.stack import LiveStack

PAGES = [
    "/board",
    "/admin/",
    "/admin/appointments/appointment/",
    "/admin/appointments/patient/add/",
    "/admin/appointments/patient/",
    "/admin/scheduling/practitioner/",
    "/admin/outbox/message/",
    "/admin/password_change/",
    "/api/docs",
    "/api/redoc",
]


def test_no_page_asks_for_what_its_policy_refuses(browser: Browser, stack: LiveStack) -> None:
    context = browser.new_context(base_url=stack.pages_url)
    seen = Board(context.new_page())
    seen.open()
    sign_in(seen.page, stack.person("owner"))
    seen.wait_for_state("live")
    for page in PAGES:
        response = seen.page.goto(page)
        assert response is not None
        assert response.status == 200, page
        seen.page.wait_for_load_state("load")
        seen.page.wait_for_timeout(500)  # What a script asks for once it runs.
        assert seen.complaints == [], page
    context.close()
