"""Walls: the owner creates and revokes them; a wall's token gets tickets for its stream, and nothing else."""

import json
from pathlib import Path
from typing import Any

import jwt
from clinic.accounts.models import WallDevice
from django.conf import settings
from rest_framework.test import APIClient
from shared_config import STREAM_AUDIENCE

from testkit.clinic.feed_rows import Event, Feed
from testkit.clinic.world import World

CONTRACT = Path(__file__).resolve().parents[2] / "shared-config" / "contract"
DEVICES = "/api/v1/devices"
ACCOUNTS = 0


def create(world: World, **given: Any) -> Any:
    given = {"name": "Hall", "kind": "waiting_room", **given}
    return world.client(world.olga).post(DEVICES, given, format="json")


def ticket_with(token: str) -> Any:
    return APIClient().post(f"{DEVICES}/ticket", {"token": token}, format="json")


def test_token_is_shown_once_and_kept_as_a_hash(world: World) -> None:
    made = create(world)
    assert made.status_code == 201
    token = made.json()["token"]
    assert len(token) >= 40
    [listed] = world.client(world.olga).get(DEVICES).json()["results"]
    assert (listed["name"], listed["kind"], "token" in listed) == ("Hall", "waiting_room", False)
    assert token not in str(WallDevice.objects.values().get())


def test_token_gets_a_ticket_as_the_contract_says(world: World) -> None:
    made = create(world).json()
    answer = ticket_with(made["token"]).json()
    key, algorithm = settings.SHARED.jwt_verifying_key, settings.SHARED.jwt_algorithm
    claims = jwt.decode(answer["ticket"], key, [algorithm], audience=STREAM_AUDIENCE)
    example = json.loads((CONTRACT / "stream_ticket.json").read_text())["device"]
    assert {name: type(value) for name, value in claims.items()} == {
        name: type(value) for name, value in example.items()
    }
    assert (claims["sub"], claims["clinic_id"], claims["ver"]) == (str(made["id"]), world.clinic.pk, 1)
    assert WallDevice.objects.get().seen_at is not None


def test_revoked_wall_gets_no_ticket_and_the_stream_is_told(world: World) -> None:
    made, feed = create(world).json(), Feed(ACCOUNTS)
    assert world.client(world.olga).delete(f"{DEVICES}/{made['id']}").status_code == 204
    assert feed.events == [Event("device", made["id"], "session")]
    assert ticket_with(made["token"]).status_code == 404
    assert world.client(world.olga).get(DEVICES).json()["results"] == []
    assert world.client(world.olga).delete(f"{DEVICES}/{made['id']}").status_code == 404


def test_walls_are_for_the_owner_alone(world: World) -> None:
    made = create(world).json()
    for user, status in [(world.sam, 403), (world.petra, 403), (world.paula, 403)]:
        client = world.client(user)
        assert client.get(DEVICES).status_code == status
        assert client.delete(f"{DEVICES}/{made['id']}").status_code == status


def test_ticket_request_alone_does_not_ring_the_feed(world: World) -> None:
    token = create(world).json()["token"]
    feed = Feed(ACCOUNTS)
    ticket_with(token)
    assert feed.events == []


def test_unknown_kind_and_unknown_token_are_refused(world: World) -> None:
    assert create(world, kind="cinema").status_code == 400
    assert ticket_with("nobody").status_code == 404
