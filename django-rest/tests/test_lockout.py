"""Guessing passwords, and not being kept out by who guesses."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from clinic.accounts import lockout
from clinic.accounts.lockout import FROM_ANYWHERE, FROM_HERE, Guess, Locked
from clinic.accounts.models import User
from clinic.accounts.views import SIGN_INS
from clinic.common.errors import Throttled
from clinic.common.limits import Limit, count_attempt, limit_attempts, prune_attempts, was_attempted
from clinic.common.models import AttemptCount
from django.test import Client
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from testkit.clinic.answers import refusal
from testkit.clinic.concurrency import at_once
from testkit.clinic.world import NEW_PASSWORD, PASSWORD, World

HOME, DESK, CAFE = "203.0.113.1", "203.0.113.2", "198.51.100.7"
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def sign_in(name: str, password: str = PASSWORD, *, address: str = HOME) -> Any:
    return APIClient(REMOTE_ADDR=address).post("/api/token", {"username": name, "password": password})


def guess(name: str, *, address: str = CAFE, times: int = FROM_HERE.most) -> None:
    for _ in range(times):
        assert refusal(sign_in(name, "wrong", address=address)) == (401, "no_active_account")


def guess_from_everywhere(user: User) -> None:
    for index in range(FROM_ANYWHERE.most):
        lockout.begin(Guess(f"user {user.pk}", f"192.0.2.{index}"), now=datetime.now(UTC))


def staff_client(user: User, *, address: str = CAFE) -> Client:
    User.objects.filter(pk=user.pk).update(is_staff=True)
    client = Client(REMOTE_ADDR=address)
    client.force_login(User.objects.get(pk=user.pk))
    return client


def test_wrong_guesses_lock_out_and_tell_for_how_long(world: World) -> None:
    guess(str(world.sam.email))
    response = sign_in(str(world.sam.email), address=CAFE)
    assert refusal(response) == (429, "locked")
    assert 0 < int(response.headers["Retry-After"]) <= FROM_HERE.within.total_seconds() + 1


def test_the_owner_of_the_account_is_not(world: World) -> None:
    guess(str(world.sam.email))
    assert sign_in(str(world.sam.email), address=HOME).status_code == 200


def test_an_account_that_does_not_exist_is_locked_alike(world: World) -> None:
    guess("nobody@riverside.example")
    assert refusal(sign_in("nobody@riverside.example", address=CAFE)) == (429, "locked")


def test_a_right_password_begins_anew(world: World) -> None:
    for _ in range(2):
        guess(str(world.sam.email), address=HOME, times=FROM_HERE.most - 1)
        assert sign_in(str(world.sam.email)).status_code == 200


def test_an_account_has_one_lock_whatever_it_is_called(world: World) -> None:
    world.sam.phone, world.sam.phone_verified_at = "+491701112222", NOW
    world.sam.save()
    guess(str(world.sam.email), times=3)
    guess("SAM@riverside.example", times=1)
    guess("+49 170 1112222", times=1)
    assert refusal(sign_in("+491701112222", address=CAFE)) == (429, "locked")
    assert sign_in(str(world.olga.email), address=CAFE).status_code == 200


def test_guessing_from_many_addresses_is_stopped_too(world: World) -> None:
    guess_from_everywhere(world.sam)
    assert refusal(sign_in(str(world.sam.email), address=CAFE)) == (429, "locked")


def test_known_browser_still_gets_in(world: World) -> None:
    assert sign_in(str(world.sam.email), address=HOME).status_code == 200
    guess_from_everywhere(world.sam)
    assert refusal(sign_in(str(world.sam.email), address=DESK)) == (429, "locked")
    assert sign_in(str(world.sam.email), address=HOME).status_code == 200


def test_a_lock_ends_by_itself(world: World) -> None:
    stranger = Guess(account="user 1", address=CAFE)
    for _ in range(FROM_HERE.most):
        lockout.begin(stranger, now=NOW)
    last = NOW + FROM_HERE.within - timedelta(seconds=1)
    with pytest.raises(Locked) as refused:
        lockout.begin(stranger, now=last)
    assert refused.value.wait_seconds == 2
    lockout.begin(stranger, now=NOW + FROM_HERE.within)


def test_asking_while_locked_does_not_prolong_the_lock(world: World) -> None:
    stranger = Guess(account="user 1", address=CAFE)
    for second in range(100):
        with suppress(Locked):
            lockout.begin(stranger, now=NOW + timedelta(seconds=second))
    lockout.begin(stranger, now=NOW + FROM_HERE.within)


@pytest.mark.race
def test_guesses_at_once_are_counted_one_by_one(committed_world: World) -> None:
    name = committed_world.sam.email
    answers = at_once([lambda: sign_in(str(name), "wrong")] * 12, connections=6)
    assert sorted(answer.status_code for answer in answers) == [401] * FROM_HERE.most + [429] * (12 - FROM_HERE.most)


def test_the_admin_page_has_the_same_lock(world: World) -> None:
    world.olga.is_staff = True
    world.olga.save()

    def enter(password: str) -> int:
        form = {"username": world.olga.email, "password": password}
        return Client(REMOTE_ADDR=CAFE).post("/admin/login/?next=/admin/", form).status_code

    assert enter(PASSWORD) == 302
    for _ in range(FROM_HERE.most):
        assert enter("wrong") == 200
    assert enter(PASSWORD) == 200
    assert refusal(sign_in(str(world.olga.email), address=CAFE)) == (429, "locked")


def test_own_password_in_the_admin_is_not_guessed_by_a_stolen_session(world: World) -> None:
    client = staff_client(world.olga)
    new = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    page = "/admin/password_change/"
    for _ in range(FROM_HERE.most):
        assert client.post(page, {"old_password": "wrong", **new}).status_code == 200
    assert client.post(page, {"old_password": PASSWORD, **new}).status_code == 200, "locked: it is not changed"
    assert refusal(sign_in(str(world.olga.email), address=CAFE)) == (429, "locked")
    assert sign_in(str(world.olga.email), address=HOME).status_code == 200


# Limits by address


def test_an_address_signs_in_so_often_a_minute(world: World) -> None:
    for _ in range(SIGN_INS.most):
        limit_attempts(SIGN_INS, CAFE, now=datetime.now(UTC))
    response = sign_in(str(world.sam.email), address=CAFE)
    assert refusal(response) == (429, "throttled")
    assert 0 < int(response.headers["Retry-After"]) <= 61
    assert sign_in(str(world.sam.email), address=HOME).status_code == 200


@pytest.mark.parametrize("page", ["/admin/login/", "/sign-in"])
def test_pages_share_the_limit_of_sign_ins_by_address(world: World, page: str) -> None:
    User.objects.filter(pk=world.olga.pk).update(is_staff=True)
    form = {"username": world.olga.email, "password": PASSWORD}
    for _ in range(SIGN_INS.most):
        limit_attempts(SIGN_INS, CAFE, now=datetime.now(UTC))
    assert Client(REMOTE_ADDR=CAFE).post(page, form).status_code == 200, "not signed in"
    assert Client(REMOTE_ADDR=HOME).post(page, form).status_code == 302


def test_limits_by_address_can_be_switched_off(world: World, settings: Settings) -> None:
    settings.SHARED = settings.SHARED.model_copy(update={"enable_rate_limits": False})
    for _ in range(SIGN_INS.most):
        limit_attempts(SIGN_INS, CAFE, now=datetime.now(UTC))
    assert sign_in(str(world.sam.email), address=CAFE).status_code == 200


def test_a_window_begins_with_the_first_attempt(world: World) -> None:
    limit = Limit("test", 2, timedelta(minutes=1))
    for second in (50, 55):
        limit_attempts(limit, "x", now=NOW + timedelta(seconds=second))
    limit_attempts(limit, "y", now=NOW)
    with pytest.raises(Throttled) as refused:
        limit_attempts(limit, "x", now=NOW + timedelta(seconds=60))
    assert refused.value.wait_seconds == 51
    limit_attempts(limit, "x", now=NOW + timedelta(seconds=110))


@pytest.mark.race
def test_a_count_is_one_for_all_connections(committed_world: World) -> None:
    limit = Limit("test", 10, timedelta(minutes=1))
    numbers = at_once([lambda: count_attempt(limit, "x", now=NOW).number] * 40, connections=8)
    assert AttemptCount.objects.get().attempts == max(numbers) == 40


def test_ended_rows_are_pruned(world: World) -> None:
    limit = Limit("test", 1, timedelta(minutes=1))
    count_attempt(limit, "old", now=NOW)
    count_attempt(limit, "new", now=NOW + timedelta(minutes=1))
    assert prune_attempts(now=NOW + timedelta(minutes=1)) == 1
    assert was_attempted(limit, "new", now=NOW + timedelta(minutes=1))
