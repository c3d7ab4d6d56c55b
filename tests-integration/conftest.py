import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from testkit.live.browsing import Chromium, open_chromium
from testkit.live.front_end import FrontEnd, serve_front_end
from testkit.live.people import SignedIn
from testkit.live.stack import LiveStack, live_stack
from testkit.stand_ins.mail import MailStandIn, open_mail_stand_in
from testkit.stand_ins.twilio import TwilioStandIn


@pytest.fixture(scope="session")
def post_office() -> Iterator[MailStandIn]:
    with open_mail_stand_in() as office:
        yield office


@pytest.fixture(scope="session")
def twilio() -> Iterator[TwilioStandIn]:
    with TwilioStandIn() as stand_in:
        yield stand_in


@pytest.fixture(scope="session")
def front_end() -> Iterator[FrontEnd]:
    with serve_front_end() as serving:
        yield serving


@pytest.fixture(scope="session")
def stack(
    post_office: MailStandIn, twilio: TwilioStandIn, front_end: FrontEnd, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveStack]:
    """Both services over a real database, with the demo clinic in it; each process of a run has its own. What goes out
    goes to the post office and the stand-in for Twilio, but from containers, which do not reach them."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    outside = {**post_office.settings, **twilio.settings}
    with live_stack(outside, origins=front_end.origins, shared=shared) as running:
        with SignedIn(running, "owner") as owner:  # Most stories do not wait for the end of an undo window.
            owner.http.patch("/api/v1/clinic", json={"undo_seconds": 0}).raise_for_status()
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    with open_chromium() as running:
        yield running


@pytest.fixture(scope="module")
def browser(chromium: Chromium) -> Iterator[Browser]:
    """Of all stories of this process; at the end of a file nothing is left open in it."""
    yield chromium.browser()
    chromium.close_contexts()
