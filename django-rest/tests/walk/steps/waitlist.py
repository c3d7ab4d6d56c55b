"""Waitlist entries, and the offers made to them."""

from datetime import timedelta
from typing import Any

from clinic.appointments.actor import UserActor
from clinic.common.versions import Expected
from clinic.scheduling.working_hours import Interval
from clinic.waitlist.matching import PartOfDay
from clinic.waitlist.models import OfferState
from clinic.waitlist.services.answers import accept_offer, decline_offer, take_back_offer_by_hand
from clinic.waitlist.services.entries import Wishes, edit_entry, join_waitlist, leave_waitlist
from clinic.waitlist.services.gaps import offer_gap
from clinic.waitlist.services.offering import offer_by_hand

from ..walk import NOBODY, Walk, weighted

TIMES = ("starts_at", "ends_at", "blocked_from", "blocked_until")


def join(walk: Walk) -> None:
    actor, patient_id, wishes = _asker(walk), walk.patient_id(), Wishes(**_wishes(walk))
    walk.service(
        lambda: join_waitlist(
            actor=actor,
            clinic=walk.clinic(),
            patient_id=None if actor.is_patient else patient_id,
            wishes=wishes,
            now=walk.now,
        )
    )


def _wishes(walk: Walk) -> dict[str, Any]:
    first = walk.now.date() if walk.perhaps(0.5) else walk.start().date()
    return {
        "first_date": first,
        "last_date": first + timedelta(days=walk.random.randint(0, 5)),
        "practitioner_id": walk.practitioner_id() if walk.perhaps(0.3) else None,
        "service_id": walk.service_id(),
        "part_of_day": walk.among(*PartOfDay) if walk.perhaps(0.3) else PartOfDay.ANY,
        "priority": walk.random.randint(0, 2) if walk.perhaps(0.3) else 0,
        "auto_accept": walk.perhaps(0.3),
    }


def wish_otherwise(walk: Walk) -> None:
    entry_id, wishes = _entry_id(walk), _wishes(walk)
    changes = {name: wishes[name] for name in walk.random.sample(sorted(wishes), 2)}
    newest = walk.state.entries[entry_id]["version"] if entry_id != NOBODY else 1
    actor, seen, before = _asker(walk), walk.among(None, newest, newest - 1), walk.state
    walk.service(
        lambda: edit_entry(actor=actor, entry_id=entry_id, changes=changes, now=walk.now, expected=Expected(seen))
    )
    if seen is not None and seen < newest:
        assert walk.state == before, "I4: somebody overwrote a version they had not seen"


def leave(walk: Walk) -> None:
    actor, entry_id = _asker(walk), _entry_id(walk)
    walk.service(lambda: leave_waitlist(actor=actor, entry_id=entry_id, now=walk.now))


def offer_a_chosen_time(walk: Walk) -> None:
    actor, entry_id, practitioner_id = walk.desk(), _entry_id(walk), walk.practitioner_id()
    start, walk.desks_entry = walk.start(), entry_id
    walk.service(
        lambda: offer_by_hand(
            actor=actor, entry_id=entry_id, practitioner_id=practitioner_id, start=start, now=walk.now
        )
    )
    walk.desks_entry = None


def take_back(walk: Walk) -> None:
    user, offered = walk.user("olga", "sam"), [offer["entry_id"] for offer in walk.state.open_offers()]
    entry_id = walk.one_of(sorted(offered), NOBODY)
    walk.desk_takes_back = True
    walk.service(lambda: take_back_offer_by_hand(user=user, entry_id=entry_id, now=walk.now))
    walk.desk_takes_back = False


def offer_a_gap(walk: Walk) -> None:
    user, practitioner_id, start = walk.user("olga", "sam"), walk.practitioner_id(), walk.start()
    gap = Interval(start, start + walk.among(timedelta(minutes=30), timedelta(hours=3)))
    walk.desks_gap = (practitioner_id, gap)
    walk.service(lambda: offer_gap(user=user, practitioner_id=practitioner_id, gap=gap, now=walk.now))
    walk.desks_gap = None


def accept(walk: Walk) -> None:
    token, viewer, before = _token(walk), walk.user() if walk.perhaps(0.5) else None, walk.state.appointments.keys()
    walk.service(lambda: accept_offer(token=token, viewer=viewer, now=walk.now))
    _the_answer_stands(walk, token, OfferState.ACCEPTED)
    for offer in walk.state.offers.values():
        if offer["token"] == token and offer["appointment_id"] in walk.state.appointments.keys() - before:
            booked = walk.state.appointments[offer["appointment_id"]]
            assert [booked[name] for name in TIMES] == [offer[name] for name in TIMES], "not what was offered"


def decline(walk: Walk) -> None:
    token = _token(walk)
    walk.service(lambda: decline_offer(token=token, now=walk.now))
    _the_answer_stands(walk, token, OfferState.DECLINED)


def _the_answer_stands(walk: Walk, token: str, answer: OfferState) -> None:
    """The same answer again is the same, and has no effect. Another is refused."""
    given = [offer["state"] for offer in walk.state.offers.values() if offer["token"] == token]
    if given != [answer]:
        return
    before = walk.state
    walk.service(lambda: accept_offer(token=token, viewer=None, now=walk.now))
    walk.service(lambda: decline_offer(token=token, now=walk.now))
    assert walk.state == before


def _asker(walk: Walk) -> UserActor:
    return walk.desk() if walk.perhaps(0.7) else walk.actor("paula", "pete")


def _entry_id(walk: Walk) -> int:
    return walk.one_of(sorted(walk.state.entries), NOBODY)


def _token(walk: Walk) -> str:
    """Mostly of an offer that is open."""
    offers = walk.state.open_offers() if walk.perhaps(0.8) else walk.state.offers.values()
    return walk.one_of([str(offer["token"]) for offer in offers], "unknown")


STEPS = weighted(
    (join, 12),
    (wish_otherwise, 2),
    (leave, 2),
    (offer_a_chosen_time, 4),
    (take_back, 2),
    (offer_a_gap, 3),
    (accept, 5),
    (decline, 3),
)
