"""Generated requests to every operation of the OpenAPI document, with a token of each role: no 5xx, no undocumented
status, no answer of another shape."""

import os
import re
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from config.wsgi import application
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok

from testkit.clinic.sign_ins import SignedIn
from testkit.clinic.times import in_days
from testkit.clinic.world import World

DOCUMENT = Path(__file__).resolve().parents[1] / "openapi.yaml"
# The owner may do the most, so most answers are found there. EXAMPLES asks for more, of everybody.
EXAMPLES = int(os.environ.get("EXAMPLES", "1"))
EXAMPLES_FOR_OWNER = max(EXAMPLES, 6)
CONFIG = SchemathesisConfig.from_dict(
    {
        "seed": 7,
        # A rule of the clinic may refuse a valid shape: a start in the past, say.
        "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", 400, 401, 403, 404, 409, 412, 422, 429]}},
    }
)
SCHEMA = schemathesis.openapi.from_path(DOCUMENT, config=CONFIG)
SCHEMA.app = application
OPERATIONS = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)}
pytestmark = pytest.mark.usefixtures("keep_the_connection")
PEOPLE = ("olga", "sam", "petra", "paula", "nobody")


@pytest.fixture(scope="module")
def visited_world(world_of_the_module: World) -> World:
    world_of_the_module.book(in_days(7)(9))
    return world_of_the_module


@pytest.fixture
def world(visited_world: World, shared_world: World) -> World:
    """Each request is undone, so all have the same."""
    return shared_world


@cache
def cases_of(label: str) -> st.SearchStrategy[Case[Any]]:
    """Made once: that takes longer than to draw a case."""
    return OPERATIONS[label].as_strategy()


@pytest.mark.parametrize("label", OPERATIONS)
def test_every_answer_is_one_the_document_promises(world: World, signed_in: SignedIn, label: str) -> None:
    """The first case, the simplest one, by everybody; more cases by the owner."""
    number = count(1)
    problems: list[str] = []

    @seeded(7)
    @settings(
        max_examples=EXAMPLES_FOR_OWNER,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases_of(label))
    def ask(case: Case[Any]) -> None:
        for name in PEOPLE if next(number) <= EXAMPLES else ["olga"]:
            try:
                ask_as(name, case)
            except Exception as problem:  # All are told together.
                problems.append(f"{name}: {problem}")

    def ask_as(name: str, case: Case[Any]) -> None:
        headers = signed_in.headers(name)
        with transaction.atomic():  # Each from the same state.
            response = case.call(headers=headers)
            transaction.set_rollback(True)
        case.validate_response(response, headers=headers)

    ask()
    assert not problems, "\n".join(problems)


# Others decide what they send there: Twilio, and whoever probes.
STRICT = [label for label in OPERATIONS if not re.search("twilio|health|livez|readyz", label)]
UNKNOWN_NAMES = st.from_regex("x_[a-z]{1,8}", fullmatch=True)


@pytest.mark.parametrize("label", STRICT)
def test_request_with_an_unknown_name_is_always_400(world: World, signed_in: SignedIn, label: str) -> None:
    headers = signed_in.headers("paula" if "/users/me/family" in label else "olga")  # A family is a patient's.

    @seeded(7)
    @settings(
        max_examples=EXAMPLES_FOR_OWNER,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases_of(label), name=UNKNOWN_NAMES)
    def ask(case: Case[Any], name: str) -> None:
        # Each name in the path has to be one of the route's.
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
