"""Bodies and queries that a parser stumbles over: 400 in the one shape, with and without `Idempotency-Key`."""

from typing import Any

import pytest
from clinic.common.models import IdempotencyKey
from clinic.common.parsers import MAX_DEPTH
from clinic.scheduling.models import Clinic

from testkit.clinic.answers import refusal
from testkit.clinic.times import in_days
from testkit.clinic.world import World

PATIENTS = "/api/v1/patients"


def nested(levels: int, opening: str = "[", closing: str = "]") -> str:
    return opening * levels + closing * levels


BODIES = {
    "lists": '{"name": ' + nested(300) + "}",
    "lists beyond the parser": '{"name": ' + nested(5000) + "}",
    "objects": '{"a":' * 300 + "1" + "}" * 300,
    "one level too deep": nested(MAX_DEPTH + 1),
    "wide and deep": '{"name": [' + ",".join([nested(MAX_DEPTH)] * 200) + "]}",
    "never closed": "[" * 100_000,
    "NaN": '{"name": NaN}',
    "infinity": '{"name": -Infinity}',
    "lone surrogate": '{"name": "\\ud800"}',
    "raw control character": '{"name": "a\x01b"}',
    "one name twice": '{"name": "Gus", "name": "Eve"}',
    "one name twice, deeper": '{"name": "Gus", "preferences": {"wants_sms": true, "wants_sms": false}}',
    "a name of escapes": '{"name": "Gus", "\\u006eame": "Eve"}',
    "trailing words": '{"name": "Gus"} x',
    "byte order mark": "\ufeff{}",
    "a number as the body": "5",
    "a huge number": '{"name": "Gus", "phone": ' + "9" * 5000 + "}",
    "a number of 65 bits": '{"name": "Gus", "email": 36893488147419103232}',
    "an exponent": '{"name": "Gus", "email": 1e400}',
}


@pytest.mark.parametrize("key", [None, "once"], ids=["without a key", "with a key"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_malformed_body_is_400_and_writes_nothing(world: World, body: str, key: str | None) -> None:
    headers = {"Idempotency-Key": key} if key else {}
    response = world.client(world.sam).post(PATIENTS, body, content_type="application/json", headers=headers)
    assert response.status_code == 400
    assert refusal(response)[0] == 400
    assert not IdempotencyKey.objects.exists()


def test_body_of_the_deepest_level_is_looked_at(world: World) -> None:
    body = '{"unknown": ' + nested(MAX_DEPTH - 1) + "}"
    response = world.client(world.sam).post(PATIENTS, body, content_type="application/json")
    assert "nested" not in response.content.decode()


QUERIES = {
    "a thousand parameters": "&".join(f"p{number}=1" for number in range(1500)),
    "a huge number": "patient=" + "9" * 4000,
    "a number beyond 64 bits": "patient=36893488147419103232",
    "a negative page": "page=-1",
    "a huge page": "page=" + "9" * 400,
    "NUL": "status=%00",
    "bytes that are no text": "status=%ff%fe",
    "a lone surrogate": "status=%ed%a0%80",
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
@pytest.mark.parametrize("path", ["/api/v1/appointments", "/api/v1/messages", "/api/v1/waitlist"])
def test_malformed_query_is_refused_in_the_one_shape(world: World, path: str, query: str) -> None:
    response: Any = world.client(world.sam).get(f"{path}?{query}")
    assert response.status_code in (200, 400, 404)
    if response.status_code != 200:
        refusal(response)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
@pytest.mark.parametrize("path", ["/api/v1/appointments", "/api/v1/history", "/api/v1/messages"])
def test_first_and_last_day_of_all_are_days_too(world: World, path: str, zone: str) -> None:
    world.book(in_days(3)(9))
    Clinic.objects.filter(pk=world.clinic.pk).update(timezone=zone)
    client = world.client(world.sam)
    ever, everything = client.get(f"{path}?from=0001-01-01&to=9999-12-31"), client.get(path)
    assert (ever.status_code, ever.json()["count"]) == (200, everything.json()["count"])
    assert client.get(f"{path}?from=9999-12-31").json()["count"] == 0
    assert client.get(f"{path}?to=0001-01-01").json()["count"] == 0
