import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "long"))
sys.path.insert(0, str(Path(__file__).parent))

from post_office import PostOffice, open_post_office
from stack import LiveStack, live_stack
from twilio_stand_in import TwilioStandIn


@pytest.fixture(scope="session")
def post_office() -> Iterator[PostOffice]:
    with open_post_office() as office:
        yield office


@pytest.fixture(scope="session")
def twilio() -> Iterator[TwilioStandIn]:
    with TwilioStandIn() as stand_in:
        yield stand_in


@pytest.fixture(scope="session")
def stack(post_office: PostOffice, twilio: TwilioStandIn) -> Iterator[LiveStack]:
    """Both services over a real database, with the demo clinic in it. What goes out goes to the post office and the
    stand-in for Twilio, but from containers, which do not reach them."""
    with live_stack({**post_office.settings, **twilio.settings}) as running:
        yield running
