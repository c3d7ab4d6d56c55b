"""Generated requests to every operation of the OpenAPI document, with a token of each role: no 5xx, no undocumented
status, no answer of another shape."""

import os
import re
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
from hypothesis import strategies as st
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


# Others decide what they send there: Twilio, and whoever probes.
STRICT = [label for label in OPERATIONS if not re.search("twilio|health|livez|readyz", label)]
UNKNOWN_NAMES = st.from_regex("x_[a-z]{1,8}", fullmatch=True)


@pytest.mark.parametrize("label", STRICT)
def test_request_with_an_unknown_name_is_always_400(world: World, label: str) -> None:
    headers = {"Authorization": f"Bearer {issue_tokens(user=fresh(world.olga)).access}"}

    @seeded(7)
    @settings(
        max_examples=EXAMPLES_FOR_OWNER,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=OPERATIONS[label].as_strategy(), name=UNKNOWN_NAMES)
    def ask(case: Case[Any], name: str) -> None:
        # Whatever the path names: it has to be one of the route's.
        path = case.path_parameters or {}
        case.path_parameters = {part: 1 if isinstance(value, int) else "x" for part, value in path.items()}
        query = dict(case.query or {})
        case.query = {**query, name: "1"}
        check_refusal(case, name)
        case.query = query
        if isinstance(case.body, dict):
            case.body = {**case.body, name: 1}
            check_refusal(case, name)

    def check_refusal(case: Case[Any], name: str) -> None:
        with transaction.atomic():  # Each from the same state.
            response = case.call(headers=headers)
            transaction.set_rollback(True)
        assert response.status_code == 400, response.text
        assert ("unknown_field", name) in {(one["code"], one["attr"]) for one in response.json()["errors"]}

    ask()
