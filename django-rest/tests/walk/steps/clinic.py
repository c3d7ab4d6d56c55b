"""Changes of the clinic by the owner and the desk: its rules and zone, hours, services, practitioners."""

from datetime import time
from functools import partial
from typing import Any

from clinic.appointments.actor import UserActor
from clinic.clinic_setup.services.absences import (
    approve_absence,
    decline_absence,
    request_absence,
    withdraw_absence,
)
from clinic.clinic_setup.services.clinics import edit_clinic
from clinic.clinic_setup.services.offered_services import create_service, edit_service
from clinic.clinic_setup.services.practitioners import Fate, create_practitioner, edit_practitioner
from clinic.clinic_setup.services.schedules import (
    NewAvailability,
    create_exception,
    delete_exception,
    edit_exception,
    replace_availability,
)
from clinic.scheduling.models import Absence, WaitlistMode

from ..walk import NOBODY, Walk, weighted

MAX_OF_A_KIND = 4


def live_in_another_zone(walk: Walk) -> None:
    owner, zone, force = walk.user("olga"), walk.among("Europe/Berlin", "Pacific/Honolulu"), walk.perhaps(0.5)
    walk.service(lambda: edit_clinic(owner=owner, changes={"timezone": zone}, now=walk.now, force=force))


def follow_other_rules(walk: Walk) -> None:
    name, value = walk.among(
        ("slot_minutes", walk.among(15, 30)),
        ("hold_minutes", walk.among(5, 60)),
        ("notice_minutes", walk.among(0, 0, 120)),
        ("cancellation_notice_minutes", walk.among(0, 60)),
        ("horizon_days", walk.among(2, 90)),
        ("auto_confirm", walk.perhaps(0.5)),
        ("waitlist_mode", walk.among(WaitlistMode.OFFER, WaitlistMode.OFFER, WaitlistMode.OFF)),
        ("offer_minutes", walk.among(10, 30, 24 * 60)),
        ("max_pending_per_phone", walk.among(2, 8)),
        ("max_holds_per_user", walk.among(1, 5)),
        ("max_holds_per_address", walk.among(2, 20)),
    )
    owner = walk.user("olga") if walk.perhaps(0.9) else walk.user()
    walk.service(lambda: edit_clinic(owner=owner, changes={name: value}, now=walk.now))


def work_other_hours(walk: Walk) -> None:
    """With a break, and perhaps with exceptions instead of those there are."""
    opens, closes = time(walk.random.randint(6, 10)), walk.among(time(14), time(18), time(0))
    blocks = [
        {"weekday": day, "start_local": start, "end_local": end}
        for day in range(7)
        for start, end in ((opens, time(11)), (time(11, 30), closes))
    ]
    exceptions = [_exception(walk)] if walk.perhaps(0.3) else None
    user, practitioner_id, force = walk.user("sam", "olga", "petra"), walk.practitioner_id(), walk.perhaps(0.5)
    walk.service(
        lambda: replace_availability(
            user=user,
            practitioner_id=practitioner_id,
            new=NewAvailability(blocks, exceptions),
            now=walk.now,
            force=force,
        )
    )


def except_some_days(walk: Walk) -> None:
    user, practitioner_id = walk.user("olga", "sam", "petra"), walk.among(None, walk.practitioner_id())
    fields, force = _exception(walk), walk.perhaps(0.5)
    walk.service(
        lambda: create_exception(user=user, practitioner_id=practitioner_id, fields=fields, now=walk.now, force=force)
    )


def change_an_exception(walk: Walk) -> None:
    user, exception_id, fields = walk.user("olga", "sam"), _exception_id(walk), _exception(walk)
    force = walk.perhaps(0.5)
    walk.service(lambda: edit_exception(user=user, exception_id=exception_id, fields=fields, now=walk.now, force=force))


def delete_an_exception(walk: Walk) -> None:
    user, exception_id, force = walk.user("olga", "sam"), _exception_id(walk), walk.perhaps(0.7)
    walk.service(lambda: delete_exception(user=user, exception_id=exception_id, now=walk.now, force=force))


def _exception(walk: Walk) -> dict[str, Any]:
    first, last = walk.days()
    hours = {"closed": False, "start_local": time(9), "end_local": walk.among(time(13), time(0))}
    closed = {"closed": True, "start_local": None, "end_local": None}
    return {"start_date": first, "end_date": last, **(hours if walk.perhaps(0.7) else closed)}


def _exception_id(walk: Walk) -> int:
    return walk.one_of(sorted(walk.state.hours[1]), NOBODY)


def ask_for_time_off(walk: Walk) -> None:
    user, (first, last) = walk.user("petra", "quentin"), walk.days()
    start, end = walk.among((None, None), (time(12), time(14)))
    fields = {"start_date": first, "end_date": last, "start_local": start, "end_local": end, "reason": "course"}
    walk.service(lambda: request_absence(user=user, fields=fields, now=walk.now))


def answer_time_off(walk: Walk) -> None:
    user, absence_id, force = walk.user("olga", "sam", "petra"), _absence_id(walk), walk.perhaps(0.7)
    if walk.perhaps(0.7):
        walk.service(lambda: approve_absence(user=user, absence_id=absence_id, now=walk.now, force=force))
    else:
        walk.service(lambda: decline_absence(user=user, absence_id=absence_id, answer="", now=walk.now))


def withdraw_time_off(walk: Walk) -> None:
    user, absence_id = walk.user("petra", "quentin"), _absence_id(walk)
    walk.service(lambda: withdraw_absence(user=user, absence_id=absence_id))


def _absence_id(walk: Walk) -> int:
    return walk.one_of(Absence.objects.order_by("id").values_list("id", flat=True), NOBODY)


def offer_something_new(walk: Walk) -> None:
    owner, fields = walk.user("olga"), {"name": f"Service {walk.number()}", **_lengths(walk)}
    fields["practitioners"] = [walk.practitioner_id()]
    if len(walk.state.services) < MAX_OF_A_KIND:
        walk.service(lambda: create_service(owner=owner, fields=fields))


def offer_it_otherwise(walk: Walk) -> None:
    owner, service_id = walk.user("olga"), walk.random.choice(sorted(walk.state.services))
    everybody = sorted(walk.state.practitioners)
    changes = walk.among(
        _lengths(walk),
        {"name": f"Service {walk.number()}", "color": "#123456"},
        {"practitioners": everybody},
        {"practitioners": walk.random.sample(everybody, 1)},
        {"active": walk.perhaps(0.7)},
    )
    walk.service(lambda: edit_service(owner=owner, service_id=service_id, changes=changes))


def _lengths(walk: Walk) -> dict[str, Any]:
    return {
        "duration_minutes": walk.among(20, 30, 45, 60),
        "buffer_before_minutes": walk.among(0, 0, 10),
        "buffer_after_minutes": walk.among(0, 5, 15),
    }


def employ(walk: Walk) -> None:
    owner, fields = walk.user("olga"), {"name": f"Dr {walk.number()}", "services": sorted(walk.state.services)[:2]}
    if len(walk.state.practitioners) < MAX_OF_A_KIND:
        walk.service(lambda: create_practitioner(owner=owner, fields=fields))


def rename(walk: Walk) -> None:
    actor, practitioner_id, changes = walk.actor("olga"), walk.practitioner_id(), {"name": f"Dr {walk.number()}"}
    if actor.user.clinic is not None:
        walk.service(
            lambda: edit_practitioner(actor=actor, practitioner_id=practitioner_id, changes=changes, now=walk.now)
        )


def leave(walk: Walk) -> None:
    fate = walk.among(
        Fate("cancel"),
        Fate("keep"),
        Fate("move", move_to=walk.practitioner_id(), outside_hours=walk.perhaps(0.8)),
        None,
    )
    actor, practitioner_id = UserActor(walk.user("olga")), walk.practitioner_id()
    walk.service(
        lambda: edit_practitioner(
            actor=actor, practitioner_id=practitioner_id, changes={"active": False}, fate=fate, now=walk.now
        )
    )


def come_back(walk: Walk) -> None:
    actor = UserActor(walk.user("olga"))
    for practitioner_id, row in sorted(walk.state.practitioners.items()):
        if not row["active"]:
            walk.service(
                partial(
                    edit_practitioner,
                    actor=actor,
                    practitioner_id=practitioner_id,
                    changes={"active": True},
                    now=walk.now,
                )
            )


STEPS = weighted(
    (live_in_another_zone, 1),
    (follow_other_rules, 4),
    (work_other_hours, 2),
    (except_some_days, 2),
    (change_an_exception, 1),
    (delete_an_exception, 1),
    (ask_for_time_off, 2),
    (answer_time_off, 2),
    (withdraw_time_off, 1),
    (offer_something_new, 1),
    (offer_it_otherwise, 3),
    (employ, 1),
    (rename, 1),
    (leave, 1),
    (come_back, 8),
)
