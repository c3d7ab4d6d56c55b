"""Any writes, in any order, by any user: the rules hold after each of them.

A walk books, decides, moves, deletes, holds, waits, answers offers, changes hours, people and the zone through the
services and the API, and writes around them with SQL (`walk/steps`). After each step it compares the database with the
moment before: a refusal has changed nothing, every change of a row has its line of history (I3, I4) and its numbered
event (I5), no record changed its account or became part of another one unnoticed (I7), freed time went to who waits and
can come (`walk/between`); no practitioner's and no patient's time overlaps (I1), an offer is held time, the statistics
add up (`walk/always`). A walk that fails tells its seed; WALK_SEED takes it again, WALKS takes more. What a walk has
done is logged.
"""

import logging
import os
from collections.abc import Callable, Iterator
from importlib import import_module
from inspect import isfunction
from pkgutil import walk_packages
from random import randrange
from types import ModuleType
from typing import Any

import pytest
from clinic import appointments, clinic_setup, people, scheduling, waitlist

from testkit.clinic.world import World

from .walk.always import check_every_moment, the_statistics_are_the_sum_of_the_rows, what_is_open_is_free
from .walk.steps import SUB_DOMAINS, take_a_step
from .walk.walk import Walk

WALKS = int(os.environ.get("WALKS", "4"))
STEPS = 150

log = logging.getLogger("chairside.walk")


@pytest.mark.parametrize("number", range(WALKS))
def test_any_sequence_of_writes_leaves_everything_as_it_must_be(world: World, number: int) -> None:
    seed = int(os.environ.get("WALK_SEED") or randrange(10**6) * 1000 + number)
    walk = Walk(world, seed)
    taken: list[str] = []
    for step in range(STEPS):
        try:
            taken.append(take_a_step(walk))
            check_every_moment(walk)
            if step % 10 == 9:
                the_statistics_are_the_sum_of_the_rows(walk)
                what_is_open_is_free(walk)
        except Exception as error:
            error.add_note(f"in step {step} of the walk with seed {seed}, after {', '.join(taken[-5:])}")
            raise
    log.info("walk %s: %s", seed, dict(walk.done))
    # A walk on which nothing could go wrong would prove nothing.
    refused = {"slot_taken", "refused by the database", "transition_not_allowed"}
    assert walk.done["create"] > 3, walk.done
    assert refused & set(walk.done), walk.done


def test_every_service_that_writes_is_a_step() -> None:
    known = {value for part in SUB_DOMAINS for value in vars(part).values() if isfunction(value)}
    services = set(services_that_write())
    assert len(services) > 25
    # The others are reached through these, or change nothing that a step looks at: `withdraw_offer` by who leaves the
    # waitlist, `settle_offer_by_booking` by who books, the pruning by the worker; `keep_local_time` is for an operator,
    # after a change of the time zone data; `explained` only reads; `release_refused` is
    # `release_hold` by the pages, of a hold that a refused booking leaves; `join_with_new_member` is two steps in one.
    others = {"withdraw_offer", "settle_offer_by_booking", "prune_phone_codes", "keep_local_time"}
    others |= {"explained", "release_refused", "join_with_new_member"}
    assert {service.__name__ for service in services - known} == others


def services_that_write() -> Iterator[Callable[..., Any]]:
    """Services for other apps, each in a transaction of its own."""
    for app in (scheduling, people, appointments, clinic_setup, waitlist):
        for found in walk_packages(app.__path__, f"{app.__name__}."):
            if ".services" in found.name:
                module = import_module(found.name)
                yield from (value for name, value in vars(module).items() if is_write_of(module, name, value))


def is_write_of(module: ModuleType, name: str, value: object) -> bool:
    is_own = isfunction(value) and value.__module__ == module.__name__
    return is_own and hasattr(value, "__wrapped__") and not name.startswith("_")
