"""Pure: what is told of an appointment, to whom, and by which ways. The one table of it; the words stand in
`templates/messages/<template>.<channel>.txt`.

Whoever did something is not told it in the app. What a patient did comes back to them by mail alone, for their records
and their calendar.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from clinic.appointments.lifecycle import UPCOMING, ZONE_CHANGE, Action, Status
from clinic.outbox.ways import Ways


class News(StrEnum):
    REQUESTED = "requested"
    REQUEST_MOVED = "request_moved"
    BOOKED = "booked"  # By the patient, where the clinic lets them.
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"
    REQUEST_CANCELLED = "request cancelled"
    REQUEST_WITHDRAWN = "request withdrawn"
    MOVED = "moved"
    MISSED = "missed"
    EXPIRED = "expired"
    REMINDER = "reminder"
    ZONE_CHANGED = "zone changed"
    REQUEST_ZONE_CHANGED = "request zone changed"


class Audience(StrEnum):
    PATIENT = "patient"
    CLINIC = "clinic"  # Owner and staff, and the practitioner concerned.


class Calendar(StrEnum):
    """What a mail does in its reader's calendar (RFC 5546)."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


@dataclass(frozen=True, slots=True)
class Telling:
    """`ways` None: in the app alone. `several`: the template that says it of many appointments at once.
    `can_wait`: not in quiet hours. `worth_after`: how long after the start it is still worth being told."""

    template: str
    to: Audience
    ways: Ways | None = None
    in_app: bool = True
    several: str = ""
    calendar: Calendar | None = None
    can_wait: bool = False
    worth_after: timedelta = timedelta(0)


A_DAY = timedelta(days=1)
PATIENT, CLINIC = Audience.PATIENT, Audience.CLINIC

CATALOGUE: dict[News, tuple[Telling, ...]] = {
    News.REQUESTED: (
        Telling("request_received", PATIENT, Ways.MAIL_FIRST, in_app=False),
        Telling("new_request", CLINIC),
    ),
    News.REQUEST_MOVED: (Telling("request_moved", PATIENT, Ways.EVERY),),
    News.CONFIRMED: (
        Telling("confirmed", PATIENT, Ways.EVERY, several="several_confirmed", calendar=Calendar.REQUEST),
    ),
    News.BOOKED: (
        Telling("confirmed", PATIENT, Ways.EVERY, several="several_confirmed", calendar=Calendar.REQUEST),
        Telling("new_booking", CLINIC),
    ),
    News.REJECTED: (Telling("rejected", PATIENT, Ways.EVERY),),
    News.CANCELLED: (Telling("cancelled", PATIENT, Ways.EVERY, several="several_cancelled", calendar=Calendar.CANCEL),),
    News.WITHDRAWN: (
        Telling("cancelled", PATIENT, Ways.MAIL, in_app=False, calendar=Calendar.CANCEL),
        Telling("cancelled_by_patient", CLINIC),
    ),
    # A request was in no calendar yet.
    News.REQUEST_CANCELLED: (Telling("request_cancelled", PATIENT, Ways.EVERY),),
    News.REQUEST_WITHDRAWN: (
        Telling("request_cancelled", PATIENT, Ways.MAIL, in_app=False),
        Telling("cancelled_by_patient", CLINIC),
    ),
    News.MOVED: (Telling("moved", PATIENT, Ways.EVERY, several="several_moved", calendar=Calendar.REQUEST),),
    News.MISSED: (
        Telling("missed", PATIENT, Ways.MAIL_FIRST, can_wait=True, worth_after=2 * A_DAY),
        Telling("missed_by_patient", CLINIC, worth_after=2 * A_DAY),
    ),
    News.EXPIRED: (Telling("request_expired", PATIENT, Ways.EVERY, worth_after=A_DAY),),
    News.REMINDER: (Telling("reminder", PATIENT, Ways.SMS_FIRST),),
    News.ZONE_CHANGED: (
        Telling("zone_changed", PATIENT, Ways.EVERY, calendar=Calendar.REQUEST),
        Telling("zone_changed_visit", CLINIC),
    ),
    News.REQUEST_ZONE_CHANGED: (
        Telling("zone_changed", PATIENT, Ways.EVERY),
        Telling("zone_changed_visit", CLINIC),
    ),
}

ZONE_NEWS = frozenset({News.ZONE_CHANGED, News.REQUEST_ZONE_CHANGED})
KEPT_LOCAL_TIME = {Status.PENDING: News.REQUEST_ZONE_CHANGED, Status.CONFIRMED: News.ZONE_CHANGED}

# A request that is moved is still a request.
MOVED = {Status.PENDING: News.REQUEST_MOVED, Status.CONFIRMED: News.MOVED}

# What waits to be sent of an appointment, and is not true any more once something else has become of it.
OF_ONE = frozenset(telling.template for row in CATALOGUE.values() for telling in row if telling.to == PATIENT)
OF_SEVERAL = frozenset(telling.several for row in CATALOGUE.values() for telling in row if telling.several)

# What an appointment has to be for its news to be true.
TRUE_OF: dict[News, frozenset[Status]] = {
    News.REQUESTED: frozenset({Status.PENDING}),
    News.REQUEST_MOVED: frozenset({Status.PENDING}),
    News.REQUEST_CANCELLED: frozenset({Status.CANCELLED}),
    News.REQUEST_WITHDRAWN: frozenset({Status.CANCELLED}),
    News.BOOKED: frozenset({Status.CONFIRMED}),
    News.CONFIRMED: frozenset({Status.CONFIRMED}),
    News.REJECTED: frozenset({Status.REJECTED}),
    News.CANCELLED: frozenset({Status.CANCELLED}),
    News.WITHDRAWN: frozenset({Status.CANCELLED}),
    News.MOVED: frozenset({Status.CONFIRMED}),
    News.MISSED: frozenset({Status.NO_SHOW}),
    News.EXPIRED: frozenset({Status.CANCELLED}),
    News.REMINDER: frozenset({Status.CONFIRMED}),
    News.ZONE_CHANGED: frozenset({Status.CONFIRMED}),
    News.REQUEST_ZONE_CHANGED: frozenset({Status.PENDING}),
}


@dataclass(frozen=True, slots=True)
class Facts:
    """Of an appointment, before or after a change."""

    status: Status
    starts_at: datetime
    ends_at: datetime
    practitioner_id: int


def news_of(before: Facts | None, after: Facts | None, *, action: str, by_patient: bool) -> News | None:
    """None where nobody has to know. `before` is None of a new appointment, `after` of one that was deleted."""
    if before is None:
        return _news_of_new(after, by_patient=by_patient)
    if after is None:
        return _news_of_cancelled(before, action, by_patient=by_patient) if before.status in UPCOMING else None
    if action == ZONE_CHANGE:
        return KEPT_LOCAL_TIME.get(after.status)
    if before.status == after.status:
        return MOVED.get(after.status) if _is_moved(before, after) else None
    if after.status == Status.CANCELLED:
        return _news_of_cancelled(before, action, by_patient=by_patient)
    return {Status.CONFIRMED: News.CONFIRMED, Status.REJECTED: News.REJECTED, Status.NO_SHOW: News.MISSED}.get(
        after.status
    )


def is_outdated(before: Facts | None, after: Facts | None) -> bool:
    """Whether what waits to be sent of it is not true any more."""
    return before is not None and (after is None or before.status != after.status or _is_moved(before, after))


def is_true_of(template: str, status: Status | None) -> bool:
    """Whether a message may still say so of an appointment that is this now; None: deleted, which is told as cancelled.
    What the catalogue does not know is true of any."""
    news = [news for news, row in CATALOGUE.items() if any(template in (one.template, one.several) for one in row)]
    return not news or any((status or Status.CANCELLED) in TRUE_OF[one] for one in news)


def is_worth_telling(telling: Telling, starts_at: datetime, *, now: datetime) -> bool:
    return now < starts_at + telling.worth_after


def _news_of_new(after: Facts | None, *, by_patient: bool) -> News | None:
    if after is None:
        return None
    confirmed = News.BOOKED if by_patient else News.CONFIRMED
    return {Status.PENDING: News.REQUESTED, Status.CONFIRMED: confirmed}.get(after.status)


def _news_of_cancelled(before: Facts, action: str, *, by_patient: bool) -> News:
    if action == Action.EXPIRE:
        return News.EXPIRED
    if before.status == Status.PENDING:
        return News.REQUEST_WITHDRAWN if by_patient else News.REQUEST_CANCELLED
    return News.WITHDRAWN if by_patient else News.CANCELLED


def _is_moved(before: Facts, after: Facts) -> bool:
    return (before.starts_at, before.ends_at, before.practitioner_id) != (
        after.starts_at,
        after.ends_at,
        after.practitioner_id,
    )
