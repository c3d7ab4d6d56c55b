"""Time that is kept: taken, booked by its token, let go, expired."""

from clinic.accounts.models import User
from clinic.appointments.actor import Actor, UserActor, VisitorActor
from clinic.appointments.services.booking import Booking, book_appointment
from clinic.appointments.services.holds import HoldRequest, hold_slot, release_hold, renew_hold

from testkit.clinic.world import fresh

from ..walk import NOBODY, Walk, weighted


def hold(walk: Walk) -> None:
    actors: list[Actor] = [VisitorActor(), UserActor(walk.patient_user()), walk.desk()]
    actor = walk.among(*actors)
    wanted = HoldRequest(walk.practitioner_id(), walk.start(on_the_grid=walk.perhaps(0.8)), walk.service_id())
    address = f"198.51.100.{walk.random.randint(1, 3)}"
    walk.service(lambda: hold_slot(actor=actor, clinic=walk.clinic(), wanted=wanted, address=address, now=walk.now))


def book_what_is_held(walk: Walk) -> None:
    """By whoever has the token; also when it has expired, or another than it was held for."""
    held = walk.one_of(walk.state.holds_of_visitors(), {})
    token = held.get("token", "unknown")
    actor = UserActor(walk.patient_user()) if walk.perhaps(0.6) else walk.desk()
    booking = Booking(
        patient_id=None if actor.is_patient else walk.patient_id(),
        hold_token=token,
        service_id=walk.service_id() if walk.perhaps(0.2) else None,
    )
    walk.service(lambda: book_appointment(actor=actor, clinic=walk.clinic(), booking=booking, now=walk.now))


def release(walk: Walk) -> None:
    held = walk.one_of(walk.state.holds_of_visitors(), {})
    by_token, hold_id = walk.perhaps(0.5), held.get("id", NOBODY)
    maker = walk.among(held.get("user_id"), walk.user().pk)
    holder = fresh(User(pk=maker)) if maker else None
    walk.service(lambda: release_hold(holder=holder, hold_id=hold_id, token=held.get("token") if by_token else None))


def renew(walk: Walk) -> None:
    """Once, as long as it lives."""
    held = walk.one_of(walk.state.holds_of_visitors(), {})
    walk.service(lambda: renew_hold(holder=None, hold_id=held.get("id", NOBODY), token=held.get("token"), now=walk.now))


STEPS = weighted((hold, 7), (book_what_is_held, 5), (release, 2), (renew, 1))
