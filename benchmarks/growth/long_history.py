"""One clinic with 200,000 patients and a longer and longer history, and the lists of it that its people ask for."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from benchmarks.measuring import Client
from benchmarks.own_stack import own_stack, start_api
from tools.run_stack import Stack

PATIENTS, PRACTITIONERS = 200_000, 50
APPOINTMENTS = "/api/v1/appointments?"
# Rows of a statement, to stay within the time limit.
ROWS_AT_ONCE = 20_000


@dataclass(frozen=True)
class Listed:
    """`goal`: p95 in ms. `by`: who asks."""

    name: str
    title: str
    path: str
    goal: float = 30
    by: str = "owner"


def lists_until(day: date) -> tuple[Listed, ...]:
    month = f"from={day - timedelta(days=30)}&to={day}"
    in_month = f"{APPOINTMENTS}scope=all&{month}"
    return (
        Listed("start", "all by start", f"{APPOINTMENTS}scope=all"),
        Listed("changed", "all by change", f"{APPOINTMENTS}scope=all&ordering=-updated_at"),
        Listed("rare", "rejected by creation", f"{APPOINTMENTS}status=rejected&ordering=created_at"),
        Listed(
            "practitioner",
            "of one practitioner by change",
            f"{APPOINTMENTS}scope=history&practitioner=7&ordering=-updated_at",
        ),
        Listed("month", "31 days by start", f"{in_month}&ordering=-start"),
        Listed("month_by_name", "31 days by patient", f"{in_month}&ordering=patient_name"),
        Listed("month_by_practitioner", "31 days by practitioner", f"{in_month}&ordering=practitioner_name"),
        Listed("month_by_status", "31 days by status", f"{in_month}&ordering=status"),
        Listed("page", "page 150", f"{APPOINTMENTS}scope=all&page=150"),
        Listed("search_none", "search without a match", f"{APPOINTMENTS}scope=all&search=nobody", 100),
        Listed("search_some", "search of a rare name", f"{APPOINTMENTS}scope=all&search=anna+maier", 100),
        Listed("search_name", "search of a frequent name", f"{APPOINTMENTS}scope=all&search=maier", 100),
        Listed("patients", "patients by two words", "/api/v1/patients?search=anna+maier", 100),
        Listed("own_patients", "patients of a practitioner", "/api/v1/patients", by="practitioner"),
        Listed("history", "history", "/api/v1/history"),
        Listed("corrections", "history of one rare action", "/api/v1/history?action=correct"),
        Listed("own_history", "history of a practitioner", "/api/v1/history", by="practitioner"),
        Listed("messages", "messages", "/api/v1/messages"),
        Listed("failures", "messages that failed", "/api/v1/messages?state=failed,dead&channel=sms"),
        Listed("recipient", "messages to one phone", "/api/v1/messages?recipient=%2B491700000123"),
        Listed("closed", "waitlist entries that are over", "/api/v1/waitlist?state=booked"),
    )


@contextmanager
def long_history(sizes: Sequence[int]) -> Iterator[tuple[Stack, Any]]:
    """The first size is written row by row. The clinic's practitioner has an account."""
    with own_stack({}) as stack:
        from clinic.accounts.models import User

        from benchmarks.big_clinic import PASSWORD, Size, make_big_clinic

        today = datetime.now().astimezone().date()
        big = make_big_clinic(Size(sizes[0], PATIENTS, PRACTITIONERS), lambda _rows: None, today=today)
        first = big.practitioners[0]
        first.user = User.objects.create_user(
            "doctor@riverside.example", PASSWORD, name=first.name, role="practitioner", clinic=big.clinic
        )
        first.save()
        start_api(stack)
        yield stack, big


def lengthen(size: int) -> None:
    """An earlier past, as copies, until there are so many visits; with a line of history, a message and an entry of the
    waitlist of each."""
    from django.db import connection

    from benchmarks.big_clinic import repeat_history

    repeat_history(size)
    with connection.cursor() as cursor:
        for statement, table in ((EVENTS, "appointment_event"), (MESSAGES, "message"), (ENTRIES, "waitlist_entry")):
            cursor.execute(f"SELECT COALESCE(MAX(appointment_id), 0) FROM {table}")
            after = cursor.fetchone()[0]
            while True:
                cursor.execute(statement, [after, ROWS_AT_ONCE])
                if cursor.rowcount == 0:
                    break
                cursor.execute(f"SELECT MAX(appointment_id) FROM {table}")
                after = cursor.fetchone()[0]
            cursor.execute(f"ANALYZE TABLE {table}")
            cursor.fetchall()


class People:
    """The clinic's owner and its practitioner, signed in."""

    def __init__(self, stack: Stack, big: Any) -> None:
        from benchmarks.big_clinic import PASSWORD

        emails = {"owner": str(big.owner.email), "practitioner": "doctor@riverside.example"}
        self._port = stack.api_port
        self._tokens = {name: Client(self._port).sign_in(email, PASSWORD) for name, email in emails.items()}

    def client(self, name: str) -> Client:
        """On a connection of its own: one that rests for long is closed."""
        client = Client(self._port)
        client.take_token(self._tokens[name])
        return client


OF_VISITS = "FROM appointment WHERE id > %s ORDER BY id LIMIT %s"
EVENTS = f"""
INSERT INTO appointment_event (clinic_id, appointment_id, action, from_status, to_status, actor_name, actor_kind,
channel, reason, at, snapshot, step)
SELECT clinic_id, id, IF(id %% 5000, 'complete', 'correct'), 'checked_in', status, 'Sam', 'user', 'api', '', updated_at,
JSON_OBJECT('patient_id', patient_id, 'practitioner_id', practitioner_id), '' {OF_VISITS}
"""
MESSAGES = f"""
INSERT INTO message (clinic_id, appointment_id, channel, template, kind, recipient, state, subject, body, attempts,
secret, error, provider_id, created_at, send_at, sent_at)
SELECT clinic_id, id, IF(id %% 3, 'sms', 'email'), 'reminder', 'reminder', CONCAT('+49170', LPAD(patient_id, 7, '0')),
IF(id %% 5000, 'sent', 'failed'), '', '', 1, 0, '', '', created_at, created_at, created_at {OF_VISITS}
"""
ENTRIES = f"""
INSERT INTO waitlist_entry (clinic_id, patient_id, practitioner_id, service_id, appointment_id, first_date, last_date,
part_of_day, priority, auto_accept, state, version, created_at, updated_at)
SELECT clinic_id, patient_id, practitioner_id, service_id, id, local_date, local_date, 'any', id %% 3, 0,
IF(id %% 2, 'booked', 'lapsed'), 1, created_at, updated_at {OF_VISITS}
"""
