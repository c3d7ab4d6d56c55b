"""A visit's reference gets a ticket for its stream."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt
from django.conf import settings
from rest_framework.test import APIClient
from shared_config import STREAM_AUDIENCE

from testkit.clinic.times import At
from testkit.clinic.world import World

CONTRACT = Path(__file__).resolve().parents[2] / "shared-config" / "contract"


def claims_of(ticket: str) -> dict[str, Any]:
    key, algorithm = settings.SHARED.jwt_verifying_key, settings.SHARED.jwt_algorithm
    return dict(jwt.decode(ticket, key, [algorithm], audience=STREAM_AUDIENCE))


def test_reference_gets_a_ticket_as_the_contract_says(world: World, tomorrow_at: At) -> None:
    visit = world.book(tomorrow_at(9))
    answer = APIClient().post(f"/api/v1/public/bookings/{visit.reference}/stream-ticket").json()
    claims, example = claims_of(answer["ticket"]), json.loads((CONTRACT / "stream_ticket.json").read_text())["visit"]
    assert answer["expires_in"] == 60
    assert {name: type(value) for name, value in claims.items()} == {
        name: type(value) for name, value in example.items()
    }
    assert (claims["sub"], claims["clinic_id"]) == (str(visit.pk), world.clinic.pk)
    assert claims["reference_hash"] == sha256(f"visit {visit.reference}".encode()).hexdigest()
    assert claims["session_exp"] - claims["iat"] == 12 * 3600
    assert visit.reference not in json.dumps(claims)


def test_unknown_reference_is_not_found(world: World) -> None:
    assert APIClient().post("/api/v1/public/bookings/nobodys-reference/stream-ticket").status_code == 404
