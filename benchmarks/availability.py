"""A practitioner whose taken time makes a frame of as many bytes as wanted."""

from datetime import UTC, datetime, timedelta
from itertools import count

from testkit.stream.clinic import TestClinic

# With four digits here and four in the sequence number, two taken times make 300 bytes.
ROW_IDS = count(4711, 10)
PAST_WRITES = 1000
EMPTY_BYTES = len(
    "id: 0123456789abcdef.1.1234\n"
    'data: {"practitioner":4711,"from":"2026-11-20","to":"2026-11-27","taken":[],"seq":1234,'
    '"as_of":"2026-11-20T11:00:00.000+00:00"}\n\n'
)
INTERVAL_BYTES = len('{"start":"2026-11-20T07:00:00+01:00","end":"2026-11-20T07:05:00+01:00"},')
EVERY_MINUTES = 15


class BusyPractitioner:
    def __init__(self, clinic: TestClinic) -> None:
        self.row_id = next(ROW_IDS)
        self._clinic = clinic
        self._taken: list[int] = []
        self._is_long = False
        clinic.database.insert(
            "practitioner", id=self.row_id, clinic_id=clinic.id, name="Dr. Busy", specialisation="", active=True
        )
        with clinic.database.transaction() as execute:
            for number in range(PAST_WRITES):
                execute("UPDATE patient SET name = %s WHERE id = %s", (f"Anna {number}", clinic.anna.row_id))

    def fill(self, frame_bytes: int) -> None:
        """Have as many taken times as fit into this many bytes."""
        wanted = max(1, (frame_bytes - EMPTY_BYTES + 1) // INTERVAL_BYTES)
        while len(self._taken) < wanted:
            self._taken.append(self._take(len(self._taken)))
        while len(self._taken) > wanted:
            self._clinic.delete(self._taken.pop())

    def change(self) -> None:
        """The first of them ends at another time: one row, one commit."""
        self._is_long = not self._is_long
        ends_at = self._starts_at(0) + timedelta(minutes=10 if self._is_long else 5)
        self._clinic.update(self._taken[0], ends_at=ends_at, blocked_until=ends_at)

    def _take(self, number: int) -> int:
        starts_at = self._starts_at(number)
        ends_at = starts_at + timedelta(minutes=5)
        now = datetime.now(UTC).replace(tzinfo=None)
        return self._clinic.database.insert(
            "appointment",
            clinic_id=self._clinic.id,
            patient_id=self._clinic.anna.row_id,
            practitioner_id=self.row_id,
            service_id=self._clinic.service_id,
            **dict.fromkeys(("starts_at", "blocked_from"), starts_at),
            **dict.fromkeys(("ends_at", "blocked_until"), ends_at),
            **dict.fromkeys(("created_at", "updated_at"), now),
            local_date=self._clinic.today,
            status="confirmed",
            notes="",
            cancel_reason="",
            source="desk",
            version=1,
        )

    def _starts_at(self, number: int) -> datetime:
        return self._clinic.instant(self._clinic.today, 0) + timedelta(minutes=EVERY_MINUTES * number)
