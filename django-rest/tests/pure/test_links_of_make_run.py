"""The address in messages of `make run`."""

import pytest
from django.conf import settings

from tools.run_stack import links_into


def test_messages_that_stay_here_link_to_this_machine() -> None:
    shared = settings.SHARED.model_copy(
        update={"public_url": None, "email_host": None, "twilio_account_sid": None, "django_port": 8100}
    )
    assert links_into(shared) == {"PUBLIC_URL": "http://localhost:8100"}


@pytest.mark.parametrize(
    "given",
    [
        {"public_url": "https://clinic.example"},
        {"email_host": "mail.clinic.example"},
        {"twilio_account_sid": "AC1"},
    ],
)
def test_address_that_is_set_stays_and_messages_that_leave_need_one(given: dict[str, str]) -> None:
    nothing = {"public_url": None, "email_host": None, "twilio_account_sid": None}
    assert links_into(settings.SHARED.model_copy(update={**nothing, **given})) == {}
