"""Families: who books for whom."""

from datetime import date
from typing import Any

from clinic.accounts.models import User
from clinic.appointments.actor import UserActor
from clinic.appointments.services.booking import Booking, book_appointment
from clinic.people.services.duplicates import dismiss_duplicate
from clinic.people.services.families import add_family_member, edit_family_member, remove_family_member

from testkit.clinic.world import fresh

from ..walk import Walk, weighted
from .guests import NAMES

BIRTH_DATES = (None, date(2019, 4, 30), date(2021, 1, 1))


def add_a_member(walk: Walk) -> None:
    """By a verified phone and this name, a record of the clinic may become theirs to book for."""
    user, name, birth_date = walk.patient_user(), walk.among(*NAMES, f"Mia {walk.number()}"), walk.among(*BIRTH_DATES)
    walk.service(lambda: add_family_member(user=user, name=name, birth_date=birth_date, now=walk.now))


def correct_a_member(walk: Walk) -> None:
    """With another person's name, a record in use stays behind."""
    user, patient_id = _family(walk)
    changes: dict[str, Any] = walk.among(
        {"name": walk.among(*NAMES)}, {"name": f"Mia {walk.number()}"}, {"birth_date": BIRTH_DATES[1]}
    )
    walk.service(lambda: edit_family_member(user=user, patient_id=patient_id, changes=changes, now=walk.now))


def remove_a_member(walk: Walk) -> None:
    user, patient_id = _family(walk)
    walk.service(lambda: remove_family_member(user=user, patient_id=patient_id, now=walk.now))


def book_for_a_member(walk: Walk) -> None:
    """Now and then for somebody who is none: refused."""
    user, patient_id = _family(walk)
    booking = Booking(patient_id=patient_id, practitioner_id=walk.practitioner_id(), start=walk.start(on_the_grid=True))
    actor = UserActor(user)
    walk.service(lambda: book_appointment(actor=actor, clinic=walk.clinic(), booking=booking, now=walk.now))


def tell_two_records_apart(walk: Walk) -> None:
    editor, one, other = walk.user("olga", "sam"), walk.patient_id(), walk.patient_id()
    walk.service(lambda: dismiss_duplicate(editor=editor, patient_id=one, other_id=other, now=walk.now))


def _family(walk: Walk) -> tuple[User, int]:
    """An account and, mostly, a record of its family."""
    links = [link for _, link in sorted(walk.state.family.items())]
    if not links or walk.perhaps(0.1):
        return walk.patient_user(), walk.patient_id()
    link = walk.random.choice(links)
    return fresh(User(pk=link["user_id"])), link["patient_id"]


STEPS = weighted(
    (add_a_member, 3),
    (correct_a_member, 1),
    (remove_a_member, 1),
    (book_for_a_member, 3),
    (tell_two_records_apart, 1),
)
