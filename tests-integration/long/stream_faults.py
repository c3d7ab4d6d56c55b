"""Faults of streams, brought about on purpose: each is a function that yields its findings."""

import asyncio
import random
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from clinic_stream.event_ids import EventId

from benchmarks.measuring import delays_ms, percentile
from testkit.stream.clinic import TestClinic
from testkit.stream.database import Database
from testkit.stream.service import StreamService

from .access_lost import WAYS, lose_access
from .fault_stage import APPOINTMENTS, Finding, Stage, goal_none, wait_until
from .returning_pages import Block, Page

OPENING_SECONDS = 120.0
DRAIN_SECONDS = 1.0
WRITES_PAUSE_SECONDS = 0.2
QUIET_SECONDS = 2.0
BACK_SECONDS = 60.0
BACK_GOAL_SECONDS = DRAIN_SECONDS + 5
SETTLE_SECONDS = 15.0
STATUSES = ("pending", "confirmed", "checked_in", "completed", "cancelled", "no_show")
DAYS = 7  # As many as a list shows by itself.

REVOKED_SECONDS = 5.0
WARNING_SECONDS = 30
EARLIEST_SECONDS = 0.95  # The jitter shortens by up to 0.9 s, and the clock rings in grains.

OTHERS = 100
NOTES_BYTES = 29_000
FRAMES_PAUSE_SECONDS = 0.05
WITHOUT_SECONDS = 8.0
STUCK_TIMEOUT_SECONDS = 40.0

CLINICS_OF_A_COMMIT = 100
CHANGED_CLINICS = 50


# The service is started again


async def restart(stage: Stage) -> AsyncIterator[Finding]:
    """Asked to stop, and then killed, under writes and readers that come back by themselves."""
    clinic = TestClinic(stage.database)
    pages = [stage.page(number, clinic.another("staff")) for number in range(stage.clients)]
    async with stage.opened(pages, "restart"):
        lost = [end for page in pages for end in page.ends]
        silent = sum(end.is_silent for end in lost)
        yield goal_none("restart", "openings that ended early (before their first byte)", len(lost), f" ({silent})")
        for how, end in (("SIGTERM", stage.service.stop), ("SIGKILL", stage.service.kill)):
            async for finding in _restarted(stage, clinic, pages, how, end):
                yield finding


async def _restarted(
    stage: Stage, clinic: TestClinic, pages: list[Page], how: str, end: Callable[[], object]
) -> AsyncIterator[Finding]:
    fault = f"restart, {how}"
    for page in pages:
        page.ends.clear()
        page.cut = 0
    with _writes(clinic):
        await asyncio.sleep(QUIET_SECONDS)
        asked_at = time.monotonic()
        await asyncio.to_thread(end)
        stopped_at = time.monotonic()
        await asyncio.to_thread(stage.service.start)
        ready_at = time.monotonic()
        with stage.advancing(f"{fault}: coming back", len(pages)):
            await wait_until(lambda: all(page.begun_at > asked_at or page.is_over for page in pages), BACK_SECONDS)
        await asyncio.sleep(QUIET_SECONDS)
    back = sorted(page.begun_at - asked_at for page in pages if page.begun_at > asked_at)
    wrong = await _wrong(clinic, pages)
    is_polite = how == "SIGTERM"
    last, median = (back[-1], back[len(back) // 2]) if back else (BACK_SECONDS, BACK_SECONDS)
    ended, ready = stopped_at - asked_at, ready_at - asked_at
    yield Finding(fault, "readers that resumed", f"{len(back):,}", f"{len(pages):,}", len(back) == len(pages))
    yield Finding(fault, "the process ended, its successor was ready", f"{ended:.1f} s, {ready:.1f} s")
    yield Finding(fault, "until half had resumed", f"{median:.1f} s")
    goal = f"≤ {BACK_GOAL_SECONDS:.0f} s" if is_polite else ""
    yield Finding(fault, "until the last had resumed", f"{last:.1f} s", goal, not goal or last <= BACK_GOAL_SECONDS)
    incomplete = sum(not one.is_complete and not one.is_silent for page in pages for one in page.ends)
    cut = sum(page.cut for page in pages)
    if is_polite:
        yield goal_none(fault, "messages cut", cut)
        yield goal_none(fault, "answers without a complete end", incomplete)
        drained = sum(page.ends[0].told == "drain" for page in pages if page.ends)
        yield Finding(fault, "ends that were told `drain`", f"{drained:,}", f"{len(pages):,}", drained == len(pages))
    else:
        yield Finding(fault, "messages cut", str(cut))
    yield goal_none(fault, "readers that show what the database does not", wrong)


@contextmanager
def _writes(clinic: TestClinic) -> Iterator[None]:
    """At random, by raw SQL, on a thread of its own."""
    stop = threading.Event()
    writer = threading.Thread(target=_write, args=(clinic, stop))
    writer.start()
    try:
        yield
    finally:
        stop.set()
        writer.join()


def _write(clinic: TestClinic, stop: threading.Event) -> None:
    booked = [row_id for (row_id,) in _stored(clinic, "id")]
    while not stop.wait(random.random() * 2 * WRITES_PAUSE_SECONDS):
        what = random.choice(["book", "change", "change", "delete"])
        if what == "book" or not booked:
            practitioner = random.choice([clinic.petra, clinic.paul])
            booked.append(clinic.book(practitioner, day=random.randrange(DAYS)))
        elif what == "change":
            clinic.update(random.choice(booked), status=random.choice(STATUSES), notes=str(random.random()))
        else:
            clinic.delete(booked.pop(random.randrange(len(booked))))


async def _wrong(clinic: TestClinic, pages: list[Page]) -> int:
    """Count the rows that show something else than is stored, after the writes have ended and time to settle."""
    newest, stored = clinic.event_id, sorted(_stored(clinic, "id, status, notes"))
    await wait_until(lambda: all(page.last_id == newest for page in pages), SETTLE_SECONDS)
    shown = (sorted((row["id"], row["status"], row["notes"]) for row in page.shown.values()) for page in pages)
    return sum(one != stored for one in shown)


def _stored(clinic: TestClinic, columns: str) -> list[tuple[Any, ...]]:
    return list(clinic.database.rows(f"SELECT {columns} FROM appointment WHERE clinic_id = %s", clinic.id))


# Access is lost


async def revoke(stage: Stage) -> AsyncIterator[Finding]:
    """Each by what django-rest calls or writes; the clock starts before COMMIT is sent."""
    clinic, elsewhere = TestClinic(stage.database), TestClinic(stage.database)
    people = [clinic.another("staff") for _ in range(stage.cases)]
    pages = [Page(stage.service.port, APPOINTMENTS, token=person.token(seconds=7200)) for person in people]
    committed: list[float] = []
    ways = list(WAYS)
    async with stage.opened(pages, "revoke"):
        with stage.advancing("revoke", len(pages)) as advance:
            for number, person in enumerate(people):
                await asyncio.sleep(random.random() * 0.1)
                lose = WAYS[ways[number % len(ways)]]
                committed.append(await asyncio.to_thread(lose_access, lose, clinic, person, elsewhere))
                advance()
        await wait_until(lambda: all(page.ends for page in pages), REVOKED_SECONDS)
    times: dict[str, list[float]] = {way: [] for way in ways}
    for number, (page, at) in enumerate(zip(pages, committed, strict=True)):
        # A page that had not ended by then was ended by us, incomplete, without a word.
        times[ways[number % len(ways)]].append((page.ends[0].at - at) * 1000)
    for way, took in times.items():
        yield Finding("revoke", f"{way}: COMMIT to end, p50, max", f"{percentile(took, 50):.0f}, {max(took):.0f} ms")
    every = [one for took in times.values() for one in took]
    told = sum(page.ends[0].told == "revoked" and page.ends[0].is_complete for page in pages)
    quantiles = f"{percentile(every, 50):.0f}, {percentile(every, 99):.0f}, {max(every):.0f} ms"
    yield Finding("revoke", "all: p50, p99, max", quantiles, "< 1,000 ms", max(every) < 1000)
    yield Finding("revoke", "told `revoked`, and a complete end", str(told), str(len(pages)), told == len(pages))


# Tokens expire


async def expiry(stage: Stage) -> AsyncIterator[Finding]:
    """Tokens that live a little longer than the warning takes, and end at moments of their own within 20 s."""
    clinic = TestClinic(stage.database)
    lives = [random.uniform(WARNING_SECONDS + 3, WARNING_SECONDS + 23) for _ in range(stage.cases)]
    signed_at, monotonic = int(time.time()), time.monotonic()
    to_wall = time.time() - monotonic
    expiries = [int(signed_at + seconds) for seconds in lives]
    pages = [
        Page(stage.service.port, APPOINTMENTS, token=clinic.another("staff").token(exp=at), comes_back=False)
        for at in expiries
    ]
    async with stage.opened(pages, "expiry"):
        with stage.advancing("expiry", len(pages)) as advance:
            over: set[Page] = set()
            while len(over) < len(pages) and time.time() < max(expiries) + 3:
                await asyncio.sleep(0.1)
                for page in {page for page in pages if page.ends} - over:
                    over.add(page)
                    advance()
    late = [page.ends[0].at + to_wall - at for page, at in zip(pages, expiries, strict=True)]
    warned = [
        at - (page.told["token-expiring"] + to_wall)
        for page, at in zip(pages, expiries, strict=True)
        if "token-expiring" in page.told
    ]
    told = sum(page.ends[0].told == "expired" and page.ends[0].is_complete for page in pages)
    yield Finding("expiry", "the last end, from `exp`", f"{max(late):+.2f} s", "≤ +1 s", max(late) <= 1)
    yield Finding("expiry", "the first end", f"{min(late):+.2f} s", "≥ −0.95 s", min(late) >= -EARLIEST_SECONDS)
    yield Finding("expiry", "told `expired`, and a complete end", str(told), str(len(pages)), told == len(pages))
    yield Finding(
        "expiry", "told `token-expiring` before", str(len(warned)), str(len(pages)), len(warned) == len(pages)
    )
    if warned:
        between = f"{max(warned):.2f} to {min(warned):.2f} s"
        is_met = max(warned) < WARNING_SECONDS + 0.5 and min(warned) > WARNING_SECONDS - 1
        yield Finding("expiry", "how long before `exp`", between, "30 s", is_met)


# One reader stops reading


async def stuck(stage: Stage) -> AsyncIterator[Finding]:
    """Among a hundred that read on: when is it gone, and do the others notice?"""
    clinic = TestClinic(stage.database)
    booked = clinic.book()
    arrivals: dict[Page, list[tuple[int, float]]] = {}

    def hears(page: Page, block: Block) -> None:
        if (event_id := EventId.read(block.id)) is not None:
            arrivals.setdefault(page, []).append((event_id.seq, time.monotonic()))

    others = [stage.page(number, clinic.another("staff"), hears=hears) for number in range(OTHERS)]
    one = stage.page(0, clinic.staff, comes_back=False)
    async with stage.opened([*others, one], "stuck"):
        everybody = await asyncio.to_thread(_connections, stage.service)
        without_it = await _changes(clinic, booked, lambda: False, WITHOUT_SECONDS)
        one.stop_reading()
        stopped_at = time.monotonic()
        gone = threading.Event()
        watching = asyncio.create_task(asyncio.to_thread(_watch, stage.service, everybody, gone))
        with_it = await _changes(clinic, booked, gone.is_set, STUCK_TIMEOUT_SECONDS)
        gone_after = time.monotonic() - stopped_at
        is_gone = gone.is_set()
        gone.set()
        await watching
        await asyncio.sleep(1)
    measured = f"{gone_after:.1f} s" if is_gone else f"not after {gone_after:.0f} s"
    yield Finding("stuck", "until it was gone, since it stopped", measured, "< 10 s", is_gone and gone_after < 10)
    for what, commits in (("without it", without_it), ("with it", with_it)):
        times = [one for came in arrivals.values() for one in delays_ms(commits, came)]
        quantiles = f"{percentile(times, 50):.0f}, {percentile(times, 99):.0f} ms"
        yield Finding("stuck", f"the others {what}: p50, p99", quantiles)
    lost = sum(bool(page.ends[:-1]) for page in others)
    yield goal_none("stuck", "others that lost their stream", lost)


async def _changes(
    clinic: TestClinic, booked: int, is_over: Callable[[], bool], most: float
) -> list[tuple[int, float]]:
    """One change of 30 kB after the other; their sequence numbers, and when COMMIT had returned."""
    commits = []
    ends_at = time.monotonic() + most
    while not is_over() and time.monotonic() < ends_at:
        await asyncio.to_thread(clinic.update, booked, notes=f"{random.random():.12f} {'n' * NOTES_BYTES}")
        at = time.monotonic()
        commits.append((await asyncio.to_thread(lambda: clinic.seq), at))
        await asyncio.sleep(FRAMES_PAUSE_SECONDS)
    return commits


def _watch(service: StreamService, everybody: int, gone: threading.Event) -> None:
    while not gone.wait(0.05):
        if _connections(service) < everybody:
            gone.set()


def _connections(service: StreamService) -> int:
    return int(orjson.loads(service.get("/api/v1/health").content)["connections"])


# All clinics at once


async def clinics(stage: Stage) -> AsyncIterator[Finding]:
    """As many clinics as clients, none of them in memory, each opened at the same moment by one person of its desk."""
    total = stage.clients
    many = await asyncio.to_thread(_clinics, stage.database, total)
    begun: dict[Page, str] = {}

    def hears(page: Page, block: Block) -> None:
        begun.setdefault(page, block.event)

    pages = [stage.page(number, clinic.staff, hears=hears) for number, clinic in enumerate(many)]
    asked_at = time.monotonic()
    following = [asyncio.create_task(page.follow()) for page in pages]
    with stage.advancing("clinics: opening", total):
        await wait_until(lambda: all(page.begun_at or page.is_over for page in pages), OPENING_SECONDS)
    took = [page.begun_at - asked_at for page in pages if page.begun_at]
    ends = [end for page in pages for end in page.ends]
    booked = await asyncio.to_thread(lambda: [clinic.book() for clinic in many[:CHANGED_CLINICS]])
    shown = list(zip(pages, booked, strict=False))
    has_followed = await wait_until(lambda: all(row in page.shown for page, row in shown), SETTLE_SECONDS)
    for page in pages:
        page.leave()
    await asyncio.gather(*following, return_exceptions=True)
    lost = sum(page.refusal is not None or not page.begun_at for page in pages)
    yield goal_none("clinics", f"of {total:,} streams of as many clinics, lost", lost)
    silent = sum(end.is_silent for end in ends)
    unsaid = sum(not end.is_silent and (end.told != "drain" or not end.is_complete) for end in ends)
    yield goal_none("clinics", "begun, and ended without a `drain`", unsaid, f" of {len(ends) - silent}")
    yield Finding("clinics", "closed before their first byte, and came back", str(silent))
    yield Finding(
        "clinics", "opened before their rows were there", f"{sum(one == 'stale' for one in begun.values()):,}"
    )
    if took:
        quantiles = f"{percentile(took, 50):.1f}, {percentile(took, 99):.1f}, {max(took):.1f} s"
        yield Finding("clinics", "until the rows: p50, p99, the last", quantiles)
    yield Finding("clinics", f"changes of {CHANGED_CLINICS} of them shown", str(has_followed), "True", has_followed)


def _clinics(database: Database, total: int) -> list[TestClinic]:
    made = []
    for number in range(total):
        if number % CLINICS_OF_A_COMMIT == 0:
            database.execute("COMMIT")
            database.execute("START TRANSACTION")
        made.append(TestClinic(database))
    database.execute("COMMIT")
    return made
