"""No list of the API reads or sorts a whole history: the database's own plans, for each list, order and filter."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle, product
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.lifecycle import Status
from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.appointments.queries import ORDERINGS, WHOLE_ORDERINGS
from clinic.common.pagination import Pages
from clinic.common.views import ApiListView
from clinic.outbox.models import DeliveryChannel, Message, MessageState
from clinic.people import pages
from clinic.people.models import Patient
from clinic.waitlist.models import EntryState, WaitlistEntry
from config.urls import API
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern

from testkit.clinic.reads import rows_read
from testkit.clinic.times import in_days
from testkit.clinic.world import World

ROWS, PATIENTS = 900, 300
PAGE = 5
# Estimates differ from what is there; a plan that grows with the history reads thousands.
MAX_ROWS = 300
# Tables that grow as long as a clinic works. Others hold its set-up, or what is open at the moment.
GROWING = {
    "account_user",
    "appointment",
    "appointment_event",
    "inbound_message",
    "message",
    "patient",
    "patient_event",
    "waitlist_entry",
    "waitlist_offer",
}
# A search looks at each patient of the clinic once, in an index alone.
SEARCHED = "LIKE"

MONTH = {"from": f"{in_days(-900)(9):%Y-%m-%d}", "to": f"{in_days(-890)(9):%Y-%m-%d}"}
EVERY_SCOPE: list[dict[str, str]] = [{"scope": "active"}, {"scope": "history"}, {"scope": "all"}]
# Filters beside which each order is asked for; `{}`: none. Numbers are ids of people, by their names.
FILTERS: dict[str, list[dict[str, str]]] = {
    "appointments": [
        *EVERY_SCOPE,
        {"status": "rejected"},
        {"status": "no_show,cancelled", "practitioner": "petra"},
        {"scope": "all", "patient": "paula"},
        {"scope": "all", "practitioner": "quentin"},
        {"scope": "all", "search": "pat 77"},
    ],
    "history": [
        {},
        MONTH,
        {"action": "correct"},
        {"practitioner": "petra"},
        {"practitioner": "petra", "action": "correct"},
        {"patient": "paula"},
        {"appointment": "visit"},
    ],
    "messages": [
        {},
        MONTH,
        {"channel": "push"},
        {"state": "dead,failed"},
        {"channel": "sms", "state": "delivered"},
        {"patient": "paula"},
        {"appointment": "visit"},
        {"recipient": "+4930999"},
    ],
    "waitlist": [{}, {"state": "booked"}, {"state": "withdrawn", "practitioner": "petra"}, {"patient": "paula"}],
    "notifications": [{}, {"unread": "true"}, {"unread": "false"}],
    "patients": [{}, {"search": "pat 77"}],
    "appointments/by_phone": [{"phone": "+491701000007"}],
    "absences": [{}, {"state": "approved"}, {"state": "all"}],
    "appointments/<int:appointment_id>/history": [{}],
    "schedule-exceptions": [{}, MONTH],
}
PEOPLE = ("olga", "petra", "paula")


def paths_of_lists() -> list[str]:
    """Of the API, as its table of contents has them."""
    found = []
    for pattern in API:
        view = getattr(getattr(pattern, "callback", None), "view_class", None)
        if isinstance(pattern, URLPattern) and view is not None and issubclass(view, ApiListView):
            found.append(str(pattern.pattern))
    return found


def orders_of(path: str) -> Iterator[dict[str, str]]:
    if path != "appointments":
        yield {}
        return
    for name, sign in product(ORDERINGS, ("", "-")):
        ordering = {"ordering": f"{sign}{name}"}
        yield {**ordering, **MONTH}
        if name in WHOLE_ORDERINGS:
            yield ordering


@pytest.fixture
def history(world: World) -> World:
    """Years of visits with their histories and messages, of many patients, and a waitlist that is over."""
    now, clinic = datetime.now(UTC), world.clinic
    Patient.objects.bulk_create(
        Patient(clinic=clinic, name=f"Pat {number}", phone=f"+49170100{number:04}") for number in range(PATIENTS)
    )
    User.objects.bulk_create(
        User(clinic=clinic, role="patient", name=f"Pat {number}", email=f"pat{number}@mail.example")
        for number in range(PATIENTS)
    )
    patients = list(Patient.objects.filter(clinic=clinic, name__startswith="Pat "))
    practitioners = cycle([world.petra.practitioner, world.petra.practitioner, world.quentin.practitioner])
    over = [Status.COMPLETED, Status.COMPLETED, Status.CANCELLED, Status.NO_SHOW, Status.REJECTED]
    visits = []
    for number, status, practitioner in zip(range(ROWS), cycle(over), practitioners, strict=False):
        start = in_days(-number // 3 - 2)(8) + timedelta(hours=number % 3)
        times = {"starts_at": start, "blocked_from": start}
        ends = {"ends_at": start + timedelta(minutes=30), "blocked_until": start + timedelta(minutes=30)}
        made = {"created_at": now - timedelta(days=number), "updated_at": now - timedelta(days=number * 7 % ROWS)}
        visits.append(
            Appointment(
                clinic=clinic,
                patient=patients[number % len(patients)],
                practitioner=practitioner,
                local_date=start.date(),
                status=status,
                source="desk",
                **times,
                **ends,
                **made,
            )
        )
    Appointment.objects.bulk_create(visits)
    saved = list(Appointment.objects.filter(clinic=clinic).order_by("starts_at"))
    _write_events(saved, now)
    _write_messages(world, saved, now)
    states = cycle([EntryState.BOOKED, EntryState.LAPSED, EntryState.WITHDRAWN])
    WaitlistEntry.objects.bulk_create(
        WaitlistEntry(
            clinic=clinic,
            patient=patients[number % len(patients)],
            practitioner=practitioner,
            first_date=now.date(),
            last_date=now.date(),
            state=state,
            created_at=now - timedelta(days=number),
            updated_at=now,
        )
        for number, state, practitioner in zip(range(ROWS), states, practitioners, strict=False)
    )
    return world


def _write_events(visits: list[Appointment], now: datetime) -> None:
    actions = cycle(["book", "confirm", "complete", "correct"])
    AppointmentEvent.objects.bulk_create(
        AppointmentEvent(
            clinic_id=visit.clinic_id,
            appointment_id=visit.pk,
            action=action,
            actor_kind="user",
            channel="api",
            at=now - timedelta(hours=number),
            snapshot={"patient_id": visit.patient_id, "practitioner_id": visit.practitioner_id},
        )
        for number, (visit, action) in enumerate(zip(visits, actions, strict=False))
    )


def _write_messages(world: World, visits: list[Appointment], now: datetime) -> None:
    """Each tenth is a notification; of these, some are Paula's."""
    channels = cycle([DeliveryChannel.SMS] * 5 + [DeliveryChannel.EMAIL] * 4 + [DeliveryChannel.IN_APP])
    users = cycle([world.paula, *User.objects.filter(email__startswith="pat")[:20]])
    Message.objects.bulk_create(
        Message(
            clinic_id=visit.clinic_id,
            channel=channel,
            template="reminder",
            kind="reminder",
            recipient=f"+4930{number}",
            user=next(users) if channel == DeliveryChannel.IN_APP else None,
            appointment_id=visit.pk,
            state=MessageState.DELIVERED if channel == DeliveryChannel.IN_APP else MessageState.SENT,
            created_at=now - timedelta(hours=number),
            send_at=now - timedelta(hours=number),
            sent_at=now - timedelta(hours=number),
        )
        for number, (visit, channel) in enumerate(zip(visits, channels, strict=False))
    )


def test_every_list_of_the_api_is_looked_at() -> None:
    small = {
        "availability/reserve",
        "devices",
        "doctors",
        "holds",
        "practitioners",
        "profiles/dentists",
        "push-subscriptions",
        "services",
        "staff",
        "users/me/family",
        "users/me/sessions",
    }
    listed = set(paths_of_lists())
    assert listed - small <= FILTERS.keys(), "new lists: add their filters, or say that they are small"
    assert small <= listed
    assert all(issubclass(_view_of(path).pagination_class, Pages) for path in listed & FILTERS.keys())


def _view_of(path: str) -> Any:
    [pattern] = [one for one in API if str(one.pattern) == path]
    return pattern.callback.view_class  # type: ignore[union-attr]


def test_no_plan_reads_or_sorts_a_whole_history(history: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MAX_SORTED_PATIENTS", 50)
    wrong: dict[str, list[str]] = {}
    for person, path in product(PEOPLE, [*FILTERS, "staff", "practitioners"]):
        client = history.client(getattr(history, person))
        for filters, order in product(FILTERS.get(path, [{}]), orders_of(path)):
            query = {**order, **{name: _value(history, value) for name, value in filters.items()}}
            for paging in ({"page": "3"}, {"after": ""}) if path == "appointments" else ({"after": ""},):
                asked = {**query, **paging, "page_size": str(PAGE)}
                if found := _faults_of(client, f"/api/v1/{_filled(history, path)}", asked):
                    wrong[f"{person} {path} {json.dumps(asked)}"] = found
    assert not wrong, json.dumps(wrong, indent=1)


def _faults_of(client: Any, path: str, asked: dict[str, str]) -> list[str]:
    with CaptureQueriesContext(connection) as captured, rows_read() as read:
        response = client.get(path, asked)
    if response.status_code not in (200, 403, 404):
        return [response.content.decode()]
    statements = [one["sql"] for one in captured if one["sql"].startswith(("SELECT", "("))]
    found = [fault for sql in statements for fault in _faults(sql)]
    # A count reads its rows once to find them, once with their visits, and once or twice out of a temporary table.
    # A search looks at each patient of the clinic, and at an index of the visits of the practitioner who searches.
    searched = PATIENTS + ROWS if "search" in asked else 0
    allowed = MAX_ROWS + 4 * response.json().get("count", 0) + 2 * searched
    return [*found, f"{read[0]} rows read"] if read[0] > allowed else found


def _filled(world: World, path: str) -> str:
    return path.replace("<int:appointment_id>", _value(world, "visit"))


def _value(world: World, value: str) -> str:
    if value == "visit":
        return str(Appointment.objects.filter(clinic=world.clinic).values_list("pk", flat=True)[0])
    if value in ("petra", "quentin"):
        return str(getattr(world, value).practitioner.pk)
    return str(world.paula.patient.pk) if value == "paula" else value


def _faults(sql: str) -> Iterator[str]:
    """Lines of the plan that read all of a growing table, or very much of it."""
    if SEARCHED in sql and "FROM `patient`" in sql:
        return
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}")
        columns = [column[0] for column in cursor.description]
        plan = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    names = dict(re.findall(r"(?:FROM|JOIN) `(\w+)` (U\d+|T\d+)\b", sql))
    is_limited = re.search(r"LIMIT \d+", sql) is not None
    for line in plan:
        table = names.get(str(line["table"]), str(line["table"]))
        extra = str(line["Extra"] or "")
        rows = int(str(line["rows"] or 0).split()[0])
        if table not in GROWING:
            continue
        is_walk = is_limited and "filesort" not in extra and "temporary" not in extra
        if line["type"] == "ALL" or (rows > MAX_ROWS and not is_walk):
            yield f"{table}: {line['type']} by {line['key']}, {rows} rows, {extra}: {sql[:300]}"
