"""Refresh tokens that come back after their use, and how long a sign-in lasts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from clinic.accounts.models import RefreshFamily
from clinic.accounts.refresh_families import REUSE_ACCEPTED_FOR, prune_families
from clinic.accounts.services import TokenPair, issue_tokens, rotate_tokens, sign_out, verify_token
from clinic.accounts.tokens import claims_of
from django.conf import settings as django_settings
from pytest_django.fixtures import Settings
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken

from testkit.clinic.answers import refusal
from testkit.clinic.concurrency import at_once
from testkit.clinic.world import World, fresh

SECOND = timedelta(seconds=1)


def used_ago(ago: timedelta) -> None:
    BlacklistedToken.objects.update(blacklisted_at=datetime.now(UTC) - ago)


def rotate(refresh: str, *, now: datetime | None = None) -> TokenPair:
    return rotate_tokens(refresh=refresh, now=now or datetime.now(UTC))


def is_refused(refresh: str, *, now: datetime | None = None) -> bool:
    try:
        rotate(refresh, now=now)
    except AuthenticationFailed as error:
        return error.get_codes() == "token_not_valid"
    return False


def test_token_used_again_within_thirty_seconds_gets_a_sibling_of_the_same_family(world: World) -> None:
    first = issue_tokens(user=fresh(world.sam))
    second = rotate(first.refresh)
    used_ago(REUSE_ACCEPTED_FOR - SECOND)
    sibling = rotate(first.refresh)
    assert sibling.refresh not in (first.refresh, second.refresh)
    assert (
        len(
            {
                jwt.decode(each, options={"verify_signature": False})["family"]
                for each in (first.refresh, second.refresh, sibling.refresh)
            }
        )
        == 1
    )
    assert rotate(second.refresh)
    assert rotate(sibling.refresh)


def test_token_used_again_later_revokes_every_token_of_its_family(world: World) -> None:
    first = issue_tokens(user=fresh(world.sam))
    second = rotate(first.refresh)
    sibling = rotate(first.refresh)
    used_ago(REUSE_ACCEPTED_FOR + SECOND)
    assert is_refused(first.refresh)
    assert is_refused(second.refresh)
    assert is_refused(sibling.refresh)
    assert refusal(APIClient().post("/api/token/verify", {"token": second.refresh})) == (401, "token_not_valid")


def test_reuse_ends_no_other_sign_in_of_the_account(world: World) -> None:
    stolen, other = issue_tokens(user=fresh(world.sam)), issue_tokens(user=fresh(world.sam))
    rotate(stolen.refresh)
    used_ago(REUSE_ACCEPTED_FOR + SECOND)
    assert is_refused(stolen.refresh)
    assert rotate(other.refresh)


def test_reuse_is_logged_without_the_token(world: World, caplog: pytest.LogCaptureFixture) -> None:
    pair = issue_tokens(user=fresh(world.sam))
    rotate(pair.refresh)
    used_ago(REUSE_ACCEPTED_FOR + SECOND)
    assert is_refused(pair.refresh)
    (line,) = [record.getMessage() for record in caplog.records if "came back" in record.getMessage()]
    assert line.endswith(f"user {world.sam.pk}")


@pytest.mark.race
def test_stolen_token_and_its_successor_at_once_leave_no_living_token(committed_world: World) -> None:
    first = issue_tokens(user=fresh(committed_world.sam)).refresh
    second = rotate(first).refresh
    used_ago(REUSE_ACCEPTED_FOR + SECOND)

    def try_to(refresh: str) -> str | None:
        try:
            return rotate(refresh).refresh
        except AuthenticationFailed:
            return None

    outcomes = at_once([lambda: try_to(first), lambda: try_to(second)])
    assert outcomes[0] is None
    assert all(is_refused(refresh) for refresh in (first, second, *filter(None, outcomes)))


def test_sign_in_ends_at_its_absolute_lifetime_however_often_it_was_renewed(world: World, settings: Settings) -> None:
    settings.SHARED = settings.SHARED.model_copy(update={"jwt_session_lifetime": 2})
    pair, start = issue_tokens(user=fresh(world.sam)), datetime.now(UTC)
    for hours in (12, 24, 36, 47):
        pair = rotate(pair.refresh, now=start + timedelta(hours=hours))
    assert is_refused(pair.refresh, now=start + timedelta(hours=49))
    ends = RefreshFamily.objects.get().ends_at
    assert jwt.decode(pair.refresh, options={"verify_signature": False})["exp"] <= int(ends.timestamp())


def test_refresh_token_never_outlives_its_sign_in(world: World, settings: Settings) -> None:
    settings.SHARED = settings.SHARED.model_copy(update={"jwt_session_lifetime": 1})
    pair = issue_tokens(user=fresh(world.sam))
    claims = jwt.decode(pair.refresh, options={"verify_signature": False})
    assert claims["exp"] <= int(RefreshFamily.objects.get().ends_at.timestamp())


def test_signing_out_ends_the_sibling_too(world: World) -> None:
    first = issue_tokens(user=fresh(world.sam))
    second, sibling = rotate(first.refresh), rotate(first.refresh)
    sign_out(refresh=second.refresh, now=datetime.now(UTC))
    assert is_refused(sibling.refresh)
    assert is_refused(first.refresh), "within thirty seconds of its use, but the family has ended"


def test_signing_out_with_a_rotated_token_ends_its_family(world: World) -> None:
    first = issue_tokens(user=fresh(world.sam))
    second = rotate(first.refresh)
    sign_out(refresh=first.refresh, now=datetime.now(UTC))
    assert is_refused(second.refresh)
    with pytest.raises(AuthenticationFailed):
        sign_out(refresh=first.refresh, now=datetime.now(UTC))


def test_used_token_is_not_verified(world: World) -> None:
    first = issue_tokens(user=fresh(world.sam))
    second = rotate(first.refresh)
    verify_token(token=second.refresh, now=datetime.now(UTC))
    with pytest.raises(AuthenticationFailed):
        verify_token(token=first.refresh, now=datetime.now(UTC))


def token_of_an_older_version(world: World) -> str:
    """As issued before there were families."""
    token = RefreshToken()
    for claim, value in claims_of(fresh(world.sam)).items():
        token[claim] = value
    token.outstand()
    return str(token)


def test_token_of_an_older_version_begins_a_family(world: World) -> None:
    older = token_of_an_older_version(world)
    verify_token(token=older, now=datetime.now(UTC))
    following = rotate(older)
    used_ago(REUSE_ACCEPTED_FOR + SECOND)
    assert is_refused(older)
    assert is_refused(following.refresh)


def test_token_of_an_older_version_that_was_used_stays_refused(world: World) -> None:
    older = token_of_an_older_version(world)
    RefreshToken(older).blacklist()  # type: ignore[arg-type]
    used_ago(REUSE_ACCEPTED_FOR + SECOND)
    assert is_refused(older)


def test_tokens_on_record_cannot_be_used_by_whoever_reads_the_database(world: World) -> None:
    rotate(issue_tokens(user=fresh(world.sam)).refresh)
    assert set(OutstandingToken.objects.values_list("token", flat=True)) == {""}


def test_family_says_nothing_in_the_access_token(world: World) -> None:
    pair = issue_tokens(user=fresh(world.sam))
    for access in (pair.access, rotate(pair.refresh).access):
        key, algorithm = django_settings.SHARED.jwt_verifying_key, django_settings.SHARED.jwt_algorithm
        claims: dict[str, Any] = jwt.decode(access, key, [algorithm], audience="chairside")
        assert "family" not in claims


def test_ended_families_are_pruned(world: World) -> None:
    issue_tokens(user=fresh(world.sam))
    ends = RefreshFamily.objects.get().ends_at
    assert prune_families(now=ends - SECOND) == 0
    assert prune_families(now=ends) == 1
