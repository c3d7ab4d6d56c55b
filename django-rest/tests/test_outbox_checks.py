"""A Twilio that is set by halves is warned of before an SMS is lost."""

import pytest
from django.core import checks
from pydantic import SecretStr
from pytest_django.fixtures import Settings

NO_SENDER, NO_ADDRESS, NO_LINKS = "outbox.W001", "outbox.W002", "outbox.W003"
ACCOUNT = {"twilio_account_sid": "AC1", "twilio_auth_token": SecretStr("made up")}
NUMBER = {"twilio_from": "+15005550006"}
ADDRESS = {"public_url": "https://clinic.example"}


@pytest.mark.parametrize(
    ("given", "warnings"),
    [
        ({}, [NO_LINKS]),
        (NUMBER, [NO_LINKS]),
        (ADDRESS, []),
        (ACCOUNT, [NO_SENDER, NO_ADDRESS, NO_LINKS]),
        (ACCOUNT | NUMBER, [NO_ADDRESS, NO_LINKS]),
        (ACCOUNT | ADDRESS, [NO_SENDER]),
        (ACCOUNT | NUMBER | ADDRESS, []),
    ],
)
def test_twilio_is_set_as_a_whole_or_not_at_all(
    settings: Settings, given: dict[str, object], warnings: list[str]
) -> None:
    nothing = dict.fromkeys([*ACCOUNT, *NUMBER, *ADDRESS])
    settings.SHARED = settings.SHARED.model_copy(update={**nothing, **given})
    assert [message.id for message in checks.run_checks()] == warnings
