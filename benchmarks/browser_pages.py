"""The pages in Chromium, on the busy day of a big clinic: how soon a change shows, how soon a day is drawn, what the
scripts weigh, and whether memory grows.

    python -m benchmarks.browser_pages [--seconds 15] [--minutes 1] [--a-second 20]

20 practitioners have 25 visits each today. Two desks and a wall are open while visits change 20 times a second: each
change gives one visit to another patient, so a new name has to show on every page. The clock starts when COMMIT has
returned to the writer, and stops at the frame that has the name. `--minutes`: how long memory is watched.
"""

import argparse
import os
import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from typing import TYPE_CHECKING, Any

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, sync_playwright
from rich.console import Console
from rich.table import Table

from benchmarks.measuring import percentile
from benchmarks.own_stack import own_stack
from benchmarks.slow_network import first_times_table
from tools.processes import free_port
from tools.run_stack import Stack, as_browsers_see_it

if TYPE_CHECKING:
    from clinic.appointments.models import Appointment
    from clinic.scheduling.models import Clinic

PASSWORD = "a benchmark's own"
OWNER = "owner@busy.example"
CLINIC = "busy"
PRACTITIONERS, VISITS_EACH, VISIT_MINUTES = 20, 25, 20
WIDE: Any = {"width": 1440, "height": 900}
WALL: Any = {"width": 1920, "height": 1080}
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
GOAL_CHANGE_MS, GOAL_RENDER_MS, GOAL_SCRIPTS_KB = 100, 500, 150
GRACE_SECONDS = 2.0
# A prime: changes meet all hours of the day in turn.
SCATTER = 37
# Every so many changes are of a visit that the wall shows just then.
WALL_TURN = 5
ON_THE_WALL = "[...document.querySelectorAll('#columns [data-id]')].map(({ dataset }) => Number(dataset.id))"
WARM_UP_SECONDS = 10.0
# Notes at which frame each name was first there. Frames, as a change is seen no sooner than it is drawn. A name that
# comes because the wall turns its page is noted as null.
WATCH = r"""() => {
  const seen = (window.seenNames = {});
  let waiting = [];
  let page = "";
  const pageNow = () => document.getElementById("wall-page")?.textContent ?? "";
  const note = (text) => {
    for (const [name] of text.matchAll(/Change \d{5}/g)) if (!(name in seen)) waiting.push(name);
  };
  new MutationObserver((changes) => {
    for (const { type, target, addedNodes } of changes) {
      if (type === "characterData" && target.isConnected) note(target.data);
      for (const node of addedNodes) if (node.isConnected) note(node.textContent ?? "");
    }
    const isTurn = page !== pageNow();
    page = pageNow();
    if (!waiting.length) return;
    const names = waiting;
    waiting = [];
    requestAnimationFrame(() => {
      const at = isTurn ? null : performance.timeOrigin + performance.now();
      for (const name of names) if (!(name in seen)) seen[name] = at;
    });
  }).observe(document, { subtree: true, childList: true, characterData: true });
}"""
# When the last data of the page had come, and when the visits were drawn.
DRAWN = """({ selector, count }) => {
  const began = performance.now();
  return new Promise((done) => {
    const look = () => {
      const drawn = document.querySelectorAll(selector).length;
      if (drawn >= count || performance.now() - began > 20000) done({ drawn, at: performance.now() });
      else requestAnimationFrame(look);
    };
    look();
  });
}"""
SCRIPTS = """() => performance.getEntriesByType("resource")
  .filter(({ name, initiatorType }) => initiatorType === "script" || new URL(name).pathname.endsWith(".js"))
  .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)"""
DATA_CAME = """() => Math.max(0, ...performance.getEntriesByType("resource")
  .filter(({ name }) => name.includes("/api/v1/calendar")).map(({ responseEnd }) => responseEnd))"""


@dataclass
class Watched:
    name: str
    page: Page
    tools: CDPSession
    first: dict[str, float] = field(default_factory=dict)
    last: dict[str, float] = field(default_factory=dict)

    def memory(self) -> dict[str, float]:
        """After a collection: bytes of scripts' objects, elements and listeners."""
        self.tools.send("HeapProfiler.collectGarbage")
        values = {one["name"]: one["value"] for one in self.tools.send("Performance.getMetrics")["metrics"]}
        return {name: values[name] for name in ("JSHeapUsedSize", "Nodes", "JSEventListeners")}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench ONLY=pages ARGS=…")
    parser.add_argument("--seconds", type=float, default=15, help="changes are measured for so long")
    parser.add_argument("--minutes", type=float, default=1, help="memory is watched for so long, while changes go on")
    parser.add_argument("--a-second", type=float, default=20, help="changes in a second")
    chosen = parser.parse_args()
    # Playwright has a loop in this thread, which waits while the ORM works.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    console = Console()
    api_port, stream_port = free_port(), free_port()
    with own_stack(as_browsers_see_it(api_port, stream_port), ports=(api_port, stream_port)) as stack:
        changes = int((chosen.seconds + chosen.minutes * 60 + WARM_UP_SECONDS) * chosen.a_second) + 100
        visits = make_busy_day(changes)
        start(stack)
        with chromium() as browser:
            desk = sign_in(browser, stack)
            with desk.open() as context:
                console.print(render_table(context))
            console.print(scripts_table(desk))
            console.print(first_times_table(browser, f"{stack.api_url}/book/{CLINIC}"))
            with ExitStack() as opened:
                contexts = [opened.enter_context(desk.open(size)) for size in (WIDE, WIDE, WALL)]
                console.print(*changes_tables(contexts, visits, chosen), sep="\n")


# The clinic


def make_busy_day(changes: int) -> "list[Appointment]":
    """One patient for each visit, and one for each change to come."""
    from clinic.accounts.models import Role, User
    from clinic.appointments.models import Appointment
    from clinic.people.models import Patient
    from clinic.scheduling.models import Clinic, Practitioner, Service, ServicePractitioner, WorkingBlock

    clinic = Clinic.objects.create(name="Busy", slug=CLINIC, timezone=zone_of_a_morning(), phone_region="DE")
    User.objects.create_user(OWNER, PASSWORD, name="Olga", role=Role.OWNER, clinic=clinic)
    service = Service.objects.create(clinic=clinic, name="Check-up", duration_minutes=VISIT_MINUTES)
    practitioners = [
        Practitioner.objects.create(clinic=clinic, name=f"Dr {number:02} Busy") for number in range(PRACTITIONERS)
    ]
    ServicePractitioner.objects.bulk_create(
        ServicePractitioner(service=service, practitioner=practitioner) for practitioner in practitioners
    )
    WorkingBlock.objects.bulk_create(
        WorkingBlock(practitioner=practitioner, weekday=weekday, start_local=clock_time(8), end_local=clock_time(18))
        for practitioner in practitioners
        for weekday in range(7)
    )
    names = [f"Visit {number:05}" for number in range(PRACTITIONERS * VISITS_EACH)]
    names += [name_of_change(number) for number in range(changes)]
    Patient.objects.bulk_create(Patient(clinic=clinic, name=name) for name in names)
    patients = list(Patient.objects.order_by("pk").values_list("pk", flat=True)[: PRACTITIONERS * VISITS_EACH])
    Appointment.objects.bulk_create(_visits(clinic, service, practitioners, patients))
    return list(Appointment.objects.order_by("starts_at", "practitioner_id"))


def _visits(clinic: "Clinic", service: Any, practitioners: list[Any], patients: list[int]) -> "Iterator[Appointment]":
    from clinic.appointments.models import Appointment
    from clinic.common.instants import zone_of

    zone = zone_of(clinic.timezone)
    now = datetime.now(UTC)
    first = datetime.combine(now.astimezone(zone).date(), clock_time(8), zone)
    for number, patient_id in enumerate(patients):
        start = first + (number // PRACTITIONERS) * timedelta(minutes=VISIT_MINUTES)
        end = start + timedelta(minutes=VISIT_MINUTES)
        yield Appointment(
            clinic=clinic,
            patient_id=patient_id,
            practitioner=practitioners[number % PRACTITIONERS],
            service=service,
            starts_at=start,
            ends_at=end,
            blocked_from=start,
            blocked_until=end,
            local_date=start.date(),
            status="confirmed",
            source="desk",
            created_at=now,
            updated_at=now,
        )


def zone_of_a_morning() -> str:
    """Where it is between 9 and 10 now: the day is under way, and far from its midnight."""
    ahead = 9 - datetime.now(UTC).hour
    if ahead < -12:
        ahead += 24
    return f"Etc/GMT{-ahead:+}"  # The signs of these names are turned round.


def name_of_change(number: int) -> str:
    return f"Change {number:05}"


def change(number: int, visit_id: int, patients: dict[str, int]) -> float:
    """Give a visit to the next patient. The second in which it was committed."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE appointment SET patient_id = %s, version = version + 1, updated_at = UTC_TIMESTAMP(6)"
            " WHERE id = %s",
            [patients[name_of_change(number)], visit_id],
        )
    return time.time()


# The browser


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        yield browser
        browser.close()


def start(stack: Stack) -> None:
    for service in stack.services:
        service.start()
    stack.wait_until_ready()


@dataclass(frozen=True)
class Desk:
    """The owner's sign-in, for as many browsers as wanted."""

    browser: Browser
    origin: str
    state: Any

    @contextmanager
    def open(self, size: Any = WIDE) -> Iterator[BrowserContext]:
        """As on another computer: with a cache and a stream of its own."""
        context = self.browser.new_context(base_url=self.origin, storage_state=self.state, viewport=size)
        yield context
        context.close()


def sign_in(browser: Browser, stack: Stack) -> Desk:
    context = browser.new_context(base_url=stack.api_url)
    page = context.new_page()
    page.goto("/sign-in")
    page.locator("input[name=username]").fill(OWNER)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("input[name=password]").press("Enter")
    # The first page is no part of what is measured: it may load for as long as a busy machine takes.
    page.wait_for_url(lambda url: "/sign-in" not in url, wait_until="commit", timeout=60_000)
    desk = Desk(browser, stack.api_url, context.storage_state())
    context.close()
    return desk


def addresses() -> dict[str, str]:
    """Pages of the clinic, by name."""
    from clinic.portal.frame import SECTIONS, address_of

    found = {section.name: address_of(section.route) for section in SECTIONS}
    found["home"] = address_of("home")
    return {name: address for name, address in found.items() if address is not None}


def desk_page() -> str:
    return addresses().get("calendar", "/board")


def block_selector(address: str) -> str:
    return ".ec-event[data-block]" if "calendar" in address else "#columns [data-id]"


def render_table(context: BrowserContext) -> Table:
    table = Table("Page", "Visits drawn", "From its data, ms", "From opening, ms", title="A day of 20 × 25 visits")
    for name in ("calendar", "board"):
        address = addresses().get(name)
        if address is None:
            continue
        drawn, from_data, from_opening = [], [], []
        for _ in range(5):
            page = context.new_page()
            page.goto(address, wait_until="commit")
            wanted = {"selector": block_selector(address), "count": PRACTITIONERS * VISITS_EACH}
            seen = page.evaluate(DRAWN, wanted)
            came = page.evaluate(DATA_CAME)
            drawn.append(seen["drawn"])
            from_opening.append(seen["at"])
            from_data += [seen["at"] - came] if came else []
            page.close()
        after_data = f"{statistics.median(from_data):.0f}" if from_data else "from the stream"
        table.add_row(name, str(min(drawn)), after_data, f"{statistics.median(from_opening):.0f}")
    table.caption = f"Goal: {GOAL_RENDER_MS} ms from its data."
    return table


def scripts_table(desk: Desk) -> Table:
    """Each page with an empty cache."""
    table = Table("Page", "Scripts, kB compressed", title="Scripts")
    for name, address in addresses().items():
        with desk.open() as context:
            page = context.new_page()
            page.goto(address, wait_until="load")
            page.wait_for_timeout(1000)
            table.add_row(name, f"{page.evaluate(SCRIPTS) / 1000:.0f}")
    table.caption = f"Goal: {GOAL_SCRIPTS_KB} kB."
    return table


def changes_tables(
    contexts: list[BrowserContext], visits: "list[Appointment]", chosen: argparse.Namespace
) -> list[Table]:
    from clinic.people.models import Patient

    patients = {name: pk for pk, name in Patient.objects.filter(name__startswith="Change").values_list("pk", "name")}
    places = [("desk 1", desk_page()), ("desk 2", desk_page()), ("wall", "/board?wall")]
    watched = [open_watched(context, *place) for context, place in zip(contexts, places, strict=True)]
    number = run_changes(0, WARM_UP_SECONDS, chosen, visits, patients, watched)[0]
    number, committed = run_changes(number, chosen.seconds, chosen, visits, patients, watched)
    time.sleep(GRACE_SECONDS)
    delays = Table("Page", "Changes", "Shown", "p50, ms", "p95, ms", "most, ms", title="From COMMIT to a frame")
    for one in watched:
        seen: dict[str, float | None] = one.page.evaluate("window.seenNames")
        if one is watched[-1]:
            committed = {name: at for name, at in committed.items() if int(name[-5:]) % WALL_TURN == 0}
        took = sorted(when - at * 1000 for name, at in committed.items() if (when := seen.get(name)) is not None)
        if took:
            values = [f"{value:.0f}" for value in (statistics.median(took), percentile(took, 95), took[-1])]
            delays.add_row(
                f"{one.name} {one.page.url.rpartition('/')[2]}", str(len(committed)), str(len(took)), *values
            )
    delays.caption = f"Goal: p50 of {GOAL_CHANGE_MS} ms. Of a wall: changes of visits that it showed."
    for one in watched:
        one.first = one.memory()
    run_changes(number, chosen.minutes * 60, chosen, visits, patients, watched)
    growth = Table(
        "Page", "Heap before, MB", "after, MB", "Elements", "Listeners", title=f"{chosen.minutes:g} min of changes"
    )
    for one in watched:
        one.page.evaluate("window.seenNames = {}")
        one.last = one.memory()
        heap = [f"{when['JSHeapUsedSize'] / 1e6:.1f}" for when in (one.first, one.last)]
        counts = [f"{one.first[name]:.0f} → {one.last[name]:.0f}" for name in ("Nodes", "JSEventListeners")]
        growth.add_row(one.name, *heap, *counts)
    return [delays, growth]


def open_watched(context: BrowserContext, name: str, address: str) -> Watched:
    context.add_init_script(f"({WATCH})()")
    page = context.new_page()
    page.goto(address)
    page.locator("#connection[data-state=live]").wait_for(state="attached", timeout=30_000)
    tools = context.new_cdp_session(page)
    tools.send("Performance.enable")
    return Watched(name, page, tools)


def run_changes(
    number: int,
    seconds: float,
    chosen: argparse.Namespace,
    visits: "list[Appointment]",
    patients: dict[str, int],
    watched: list[Watched],
) -> tuple[int, dict[str, float]]:
    """Changes in their rhythm. The number of the next one, and when each was committed."""
    committed = {}
    began = time.monotonic()
    count = int(seconds * chosen.a_second)
    for turn in range(count):
        time.sleep(max(0.0, began + turn / chosen.a_second - time.monotonic()))
        visit_id = visits[number * SCATTER % len(visits)].pk
        if number % WALL_TURN == 0:
            shown = watched[-1].page.evaluate(ON_THE_WALL)
            visit_id = shown[number // WALL_TURN % len(shown)]
        committed[name_of_change(number)] = change(number, visit_id, patients)
        number += 1
        if not turn % 100:
            watched[0].page.evaluate("0")  # Lets the driver take what browsers have told it.
    return number, committed


if __name__ == "__main__":
    main()
