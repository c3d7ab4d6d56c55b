"""Every way to write, by sub-domain; each with how often it is taken."""

from ..walk import Step, Walk
from . import around, booking, clinic, families, guests, holds, people, repeats, series, waitlist

SUB_DOMAINS = (booking, series, holds, guests, waitlist, clinic, people, families, repeats, around)
STEPS: list[Step] = [step for part in SUB_DOMAINS for step in part.STEPS[0]]
WEIGHTS: list[int] = [weight for part in SUB_DOMAINS for weight in part.STEPS[1]]


def take_a_step(walk: Walk) -> str:
    """Returns its name."""
    [step] = walk.random.choices(STEPS, WEIGHTS)
    name = f"{step.__module__.rpartition('.')[2]}.{step.__name__}"
    walk.done[name] += 1
    step(walk)
    return name
