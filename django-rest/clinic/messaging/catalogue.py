"""Pure: what is told of an appointment, to whom, and by which ways. The one table of it; the words stand in
`templates/messages/<template>.<channel>.txt`.

Whoever did something is not told it in the app. What a patient did comes back to them by mail alone, for their records
and their calendar.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from clinic.appointments.lifecycle import (
    ASK_MOVE,
    CORRECT,
    DELETE,
    KEEP_TIME,
    UPCOMING,
    ZONE_CHANGE,
    Action,
    Status,
)
from clinic.outbox.contact_routes import Ways


class News(StrEnum):
    """Causes of messages about a visit, as `Message.cause` keeps them."""

    REQUESTED = "requested"
    REQUEST_MOVED = "request_moved"
    BOOKED = "booked"  # By the patient, where the clinic lets them.
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"
    REQUEST_CANCELLED = "request_cancelled"
    REQUEST_WITHDRAWN = "request_withdrawn"
    MOVED = "moved"
    MISSED = "missed"
    EXPIRED = "expired"
    REMINDER = "reminder"
    ZONE_CHANGED = "zone_changed"
    REQUEST_ZONE_CHANGED = "request_zone_changed"
    MOVED_BY_PATIENT = "moved_by_patient"
    REQUEST_MOVED_BY_PATIENT = "request_moved_by_patient"
    MOVE_ASKED = "move_asked"
    REQUEST_AGAIN = "request_again"  # By a correction of the clinic's.
    RUNNING_LATE = "running_late"
    ON_TIME_AGAIN = "on_time_again"
    TIME_KEPT = "time_kept"  # The clinic declines the move that the patient asks for.
    CALLED_IN = "called_in"


class MessageAudience(StrEnum):
    PATIENT = "patient"
    CLINIC = "clinic"  # Owner and staff, and the practitioner concerned.


class ClinicMail(StrEnum):
    """Those of the clinic's people who get a mail as well."""

    DESK = "desk"  # Owner and staff, if the clinic wants it (`mail_new_requests`).
    PRACTITIONER = "practitioner"


class Calendar(StrEnum):
    """A mail's effect in its reader's calendar (RFC 5546)."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


@dataclass(frozen=True, slots=True)
class Telling:
    """`ways` None: in the app alone. `several`: the template that says it of many appointments at once.
    `mail`: which of the clinic's people get a mail. `can_wait`: not in quiet hours. `worth_after`: how long after the
    start it is still worth being told. `delay`: how long it waits, and is taken back if it is no longer true.
    `setting`: of the clinic, without which it is not told."""

    template: str
    to: MessageAudience
    ways: Ways | None = None
    in_app: bool = True
    several: str = ""
    calendar: Calendar | None = None
    mail: ClinicMail | None = None
    can_wait: bool = False
    worth_after: timedelta = timedelta(0)
    delay: timedelta = timedelta(0)
    setting: str = ""


A_DAY = timedelta(days=1)
AN_HOUR = timedelta(hours=1)
PATIENT, CLINIC = MessageAudience.PATIENT, MessageAudience.CLINIC

CATALOGUE: dict[News, tuple[Telling, ...]] = {
    News.REQUESTED: (
        Telling("request_received", PATIENT, Ways.MAIL_FIRST, in_app=False),
        Telling("new_request", CLINIC, mail=ClinicMail.DESK),
    ),
    News.REQUEST_AGAIN: (Telling("request_received", PATIENT, Ways.EVERY, in_app=False),),
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
    News.MOVED_BY_PATIENT: (
        Telling("moved", PATIENT, Ways.MAIL_FIRST, in_app=False, calendar=Calendar.REQUEST),
        Telling("moved_by_patient", CLINIC),
    ),
    News.REQUEST_MOVED_BY_PATIENT: (
        Telling("request_moved", PATIENT, Ways.MAIL_FIRST, in_app=False),
        Telling("moved_by_patient", CLINIC),
    ),
    News.MOVE_ASKED: (Telling("move_asked", CLINIC),),
    News.TIME_KEPT: (Telling("time_kept", PATIENT, Ways.EVERY),),
    News.MISSED: (
        Telling(
            "missed",
            PATIENT,
            Ways.MAIL_FIRST,
            can_wait=True,
            worth_after=2 * A_DAY,
            delay=AN_HOUR,
            setting="no_show_message",
        ),
        Telling("missed_by_patient", CLINIC, mail=ClinicMail.PRACTITIONER, worth_after=2 * A_DAY),
    ),
    News.EXPIRED: (Telling("request_expired", PATIENT, Ways.EVERY, worth_after=A_DAY),),
    News.REMINDER: (Telling("reminder", PATIENT, Ways.SMS_FIRST),),
    # Messages of the day: no change of a visit leads to them.
    News.RUNNING_LATE: (Telling("running_late", PATIENT, Ways.SMS_FIRST),),
    News.ON_TIME_AGAIN: (Telling("on_time_again", PATIENT, Ways.SMS_FIRST),),
    News.CALLED_IN: (Telling("called_in", PATIENT),),
    News.ZONE_CHANGED: (
        Telling("zone_changed", PATIENT, Ways.EVERY, calendar=Calendar.REQUEST),
        Telling("zone_changed_visit", CLINIC),
    ),
    News.REQUEST_ZONE_CHANGED: (
        Telling("zone_changed", PATIENT, Ways.EVERY),
        Telling("zone_changed_visit", CLINIC),
    ),
}

# News that browsers receive by web push too, in a sentence without any detail.
PUSHED = frozenset(
    {
        News.CONFIRMED,
        News.REJECTED,
        News.CANCELLED,
        News.REQUEST_CANCELLED,
        News.MOVED,
        News.REQUEST_MOVED,
        News.TIME_KEPT,
        News.EXPIRED,
    }
)
ZONE_NEWS = frozenset({News.ZONE_CHANGED, News.REQUEST_ZONE_CHANGED})
KEPT_LOCAL_TIME = {Status.PENDING: News.REQUEST_ZONE_CHANGED, Status.CONFIRMED: News.ZONE_CHANGED}

# A move that the patient asks for, and the clinic's refusal.
NEWS_OF_QUESTION = {ASK_MOVE: News.MOVE_ASKED, KEEP_TIME: News.TIME_KEPT}

# A request that is moved is still a request.
MOVED = {Status.PENDING: News.REQUEST_MOVED, Status.CONFIRMED: News.MOVED}
MOVED_BY_PATIENT = {Status.PENDING: News.REQUEST_MOVED_BY_PATIENT, Status.CONFIRMED: News.MOVED_BY_PATIENT}

# Status that an appointment needs for a message about it to be true.
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
    News.REQUEST_AGAIN: frozenset({Status.PENDING}),
    News.MOVED_BY_PATIENT: frozenset({Status.CONFIRMED}),
    News.REQUEST_MOVED_BY_PATIENT: frozenset({Status.PENDING}),
    News.MOVE_ASKED: frozenset({Status.PENDING, Status.CONFIRMED}),
    News.RUNNING_LATE: frozenset({Status.CONFIRMED, Status.CHECKED_IN}),
    News.ON_TIME_AGAIN: frozenset({Status.CONFIRMED, Status.CHECKED_IN}),
    News.TIME_KEPT: frozenset({Status.PENDING, Status.CONFIRMED}),
    News.CALLED_IN: frozenset({Status.CONFIRMED, Status.CHECKED_IN}),
}


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """Of an appointment, before or after a change."""

    status: Status
    starts_at: datetime
    ends_at: datetime
    practitioner_id: int


def news_of(before: MessageFacts | None, after: MessageFacts | None, *, action: str, by_patient: bool) -> News | None:
    """None where nobody has to know. `before` is None of a new appointment, `after` of one that was deleted."""
    if before is None:
        return _news_of_new(after, by_patient=by_patient)
    if after is None:
        return _news_of_cancelled(before, action, by_patient=by_patient) if before.status in UPCOMING else None
    if action == ZONE_CHANGE:
        return KEPT_LOCAL_TIME.get(after.status)
    if action in NEWS_OF_QUESTION:
        return NEWS_OF_QUESTION[action]
    if action == CORRECT:
        return _news_of_correction(before, after)
    if before.status == after.status:
        moved = MOVED_BY_PATIENT if by_patient else MOVED
        return moved.get(after.status) if _is_moved(before, after) else None
    if after.status == Status.CANCELLED:
        is_news = action != DELETE or before.status in UPCOMING
        return _news_of_cancelled(before, action, by_patient=by_patient) if is_news else None
    return {Status.CONFIRMED: News.CONFIRMED, Status.REJECTED: News.REJECTED, Status.NO_SHOW: News.MISSED}.get(
        after.status
    )


def is_outdated(before: MessageFacts | None, after: MessageFacts | None) -> bool:
    """Whether what waits to be sent of it is not true any more."""
    return before is not None and (after is None or before.status != after.status or _is_moved(before, after))


def is_true_of(cause: str, status: Status | None) -> bool:
    """Whether a message of this cause still holds for an appointment of this status; None: deleted, which is told as
    cancelled. What the catalogue does not know is true of any."""
    return cause not in TRUE_OF or (status or Status.CANCELLED) in TRUE_OF[News(cause)]


def is_worth_telling(telling: Telling, starts_at: datetime, *, now: datetime) -> bool:
    return now < starts_at + telling.worth_after


def _news_of_new(after: MessageFacts | None, *, by_patient: bool) -> News | None:
    if after is None:
        return None
    confirmed = News.BOOKED if by_patient else News.CONFIRMED
    return {Status.PENDING: News.REQUESTED, Status.CONFIRMED: confirmed}.get(after.status)


def _news_of_correction(before: MessageFacts, after: MessageFacts) -> News | None:
    """Of a visit that has begun nobody is told: see `is_worth_telling`."""
    if after.status == Status.CANCELLED:
        return _news_of_cancelled(before, CORRECT, by_patient=False)
    return {
        Status.CONFIRMED: News.CONFIRMED,
        Status.REJECTED: News.REJECTED,
        Status.PENDING: News.REQUEST_AGAIN,
    }.get(after.status)


def _news_of_cancelled(before: MessageFacts, action: str, *, by_patient: bool) -> News:
    if action == Action.EXPIRE:
        return News.EXPIRED
    if before.status == Status.PENDING:
        return News.REQUEST_WITHDRAWN if by_patient else News.REQUEST_CANCELLED
    return News.WITHDRAWN if by_patient else News.CANCELLED


def _is_moved(before: MessageFacts, after: MessageFacts) -> bool:
    return (before.starts_at, before.ends_at, before.practitioner_id) != (
        after.starts_at,
        after.ends_at,
        after.practitioner_id,
    )
