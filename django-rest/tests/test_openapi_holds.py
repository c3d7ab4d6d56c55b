"""Generated requests to every operation of the OpenAPI document, with a token of each role: no 5xx, no undocumented
status, no answer of another shape."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from clinic.accounts.models import User
from clinic.accounts.services import issue_tokens
from config.wsgi import application
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from schemathesis import Case
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok

from .conftest import World, fresh, in_days

DOCUMENT = Path(__file__).resolve().parents[1] / "openapi.yaml"
# The owner may do the most, so most answers are found there. EXAMPLES asks for more, of everybody.
EXAMPLES = int(os.environ.get("EXAMPLES", "1"))
EXAMPLES_FOR_OWNER = max(EXAMPLES, 6)
CONFIG = SchemathesisConfig.from_dict(
    {
        "seed": 7,
        # What the shape allows, a rule of the clinic may still refuse: a start in the past, say.
        "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", 400, 401, 403, 404, 409, 412, 422, 429]}},
    }
)
SCHEMA = schemathesis.openapi.from_path(DOCUMENT, config=CONFIG)
SCHEMA.app = application
OPERATIONS = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)}
PEOPLE = ("olga", "sam", "petra", "paula", "nobody")


@pytest.fixture(autouse=True)
def keep_the_connection() -> Iterator[None]:
    """The application runs within the test's transaction, as under Django's own test client."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.mark.parametrize("label", OPERATIONS)
@pytest.mark.parametrize("name", PEOPLE)
def test_every_answer_is_one_the_document_promises(world: World, name: str, label: str) -> None:
    world.book(in_days(7)(9))
    user: User | None = getattr(world, name, None)
    headers = {"Authorization": f"Bearer {issue_tokens(user=fresh(user)).access}"} if user else {}

    @seeded(7)
    @settings(
        max_examples=EXAMPLES_FOR_OWNER if name == "olga" else EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=OPERATIONS[label].as_strategy())
    def ask(case: Case[Any]) -> None:
        with transaction.atomic():  # Each from the same state.
            response = case.call(headers=headers)
            transaction.set_rollback(True)
        case.validate_response(response, headers=headers)

    ask()
