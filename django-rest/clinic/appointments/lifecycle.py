"""The life of an appointment: its statuses, and who may take it from which to which, and when.

The only place where a status is decided. Nothing here knows of rows: the caller passes facts and the time, gets the
next status or a refusal, and writes it as a compare-and-swap together with its history row.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from clinic.common.errors import (
    ChairsideError,
    InvalidRequest,
    NotToday,
    PermissionDenied,
    TooEarly,
    TooLateToCancel,
    TooLateToConfirm,
    TransitionNotAllowed,
)


class Status(StrEnum):
    PENDING = "pending"
    CONFIRMED = "confirmed"
    CHECKED_IN = "checked_in"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    NO_SHOW = "no_show"


class Action(StrEnum):
    CONFIRM = "confirm"
    REJECT = "reject"
    CANCEL = "cancel"
    CHECK_IN = "check-in"
    COMPLETE = "complete"
    NO_SHOW = "no-show"
    REOPEN = "reopen"
    EXPIRE = "expire"


class Party(StrEnum):
    """The user's part in this appointment: a practitioner or patient only in their own."""

    OWNER = "owner"
    STAFF = "staff"
    PRACTITIONER = "practitioner"
    PATIENT = "patient"
    SYSTEM = "system"


# Only these claim time.
ACTIVE_STATUSES: frozenset[Status] = frozenset({Status.PENDING, Status.CONFIRMED, Status.CHECKED_IN})


@dataclass(frozen=True, slots=True)
class Transition:
    sources: frozenset[Status]
    target: Status
    parties: frozenset[Party]


CLINIC: frozenset[Party] = frozenset({Party.OWNER, Party.STAFF, Party.PRACTITIONER})
PEOPLE: frozenset[Party] = CLINIC | {Party.PATIENT}
UNDECIDED: frozenset[Status] = frozenset({Status.PENDING})
AGREED: frozenset[Status] = frozenset({Status.CONFIRMED})
UPCOMING: frozenset[Status] = UNDECIDED | AGREED
IN_HOUSE: frozenset[Status] = AGREED | {Status.CHECKED_IN}
MISSED: frozenset[Status] = frozenset({Status.NO_SHOW})

# In history: the rules of a time zone changed, and the visit keeps its local time.
ZONE_CHANGE = "zone_change"
# In history: the clinic deleted the visit, which cancels it.
DELETE = "delete"
MOVE = "move"
ASK_MOVE = "ask-move"
UNDO = "undo"
CORRECT = "correct"
ARRIVE = "arrive"
REVOKE_LINK = "revoke-link"
KEEP_TIME = "keep-time"
CALL = "call"

# From when on patients say that they are here, and how much longer the clock then awaits a check-in.
ARRIVES_FROM = timedelta(minutes=60)
NO_SHOW_GRACE = timedelta(minutes=30)

TRANSITIONS: dict[Action, Transition] = {
    Action.CONFIRM: Transition(UNDECIDED, Status.CONFIRMED, CLINIC),
    Action.REJECT: Transition(UNDECIDED, Status.REJECTED, CLINIC),
    Action.CANCEL: Transition(UPCOMING, Status.CANCELLED, CLINIC | {Party.PATIENT}),
    Action.CHECK_IN: Transition(AGREED, Status.CHECKED_IN, CLINIC),
    Action.COMPLETE: Transition(IN_HOUSE, Status.COMPLETED, CLINIC),
    Action.NO_SHOW: Transition(AGREED, Status.NO_SHOW, CLINIC | {Party.SYSTEM}),
    Action.REOPEN: Transition(MISSED, Status.CHECKED_IN, CLINIC),
    Action.EXPIRE: Transition(UNDECIDED, Status.CANCELLED, frozenset({Party.SYSTEM})),
}

# Steps that can be taken back within the undo window, and who may take each back: whoever may take it.
UNDOABLE: dict[str, frozenset[Party]] = {
    **{action.value: one.parties & PEOPLE for action, one in TRANSITIONS.items() if one.parties & PEOPLE},
    MOVE: PEOPLE,
    KEEP_TIME: CLINIC,
    DELETE: CLINIC,
    CORRECT: CLINIC,
}

# A visit of a former day took place, was missed or was called off.
CLOSED_TO: frozenset[Status] = frozenset({Status.COMPLETED, Status.NO_SHOW, Status.CANCELLED})

# Words of older front ends and of people for a status.
SYNONYMS: dict[str, Status] = {
    "approved": Status.CONFIRMED,
    "declined": Status.REJECTED,
    "canceled": Status.CANCELLED,
    "checkedin": Status.CHECKED_IN,
    "arrived": Status.CHECKED_IN,
    "noshow": Status.NO_SHOW,
}


@dataclass(frozen=True, slots=True)
class Facts:
    """`starts_at` and `checked_in_at` are aware UTC, `local_date` is the clinic's date of the start."""

    status: Status
    starts_at: datetime
    local_date: date
    checked_in_at: datetime | None = None
    arrived_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Moment:
    party: Party
    now: datetime
    today: date
    cancellation_notice: timedelta
    no_show_after: timedelta


def decide(
    action: Action,
    facts: Facts,
    *,
    party: Party,
    now: datetime,
    today: date,
    cancellation_notice: timedelta,
    no_show_after: timedelta,
) -> Status:
    """The status the action leads to. `now` is aware UTC, `today` the clinic's date of it.

    Raises PermissionDenied (this party never may), TransitionNotAllowed (not from this status; `extra` names what is
    allowed), or for the wrong moment TooLateToConfirm, TooLateToCancel, TooEarly, NotToday.
    """
    moment = _Moment(party, now, today, cancellation_notice, no_show_after)
    transition = TRANSITIONS[action]
    if party not in transition.parties:
        raise PermissionDenied
    if facts.status not in transition.sources:
        raise _not_allowed(action, facts, moment)
    refusal = _refusal_for_time(action, facts, moment)
    if refusal is not None:
        raise refusal
    return transition.target


def allowed_actions(
    facts: Facts,
    *,
    party: Party,
    now: datetime,
    today: date,
    cancellation_notice: timedelta,
    no_show_after: timedelta,
) -> list[Action]:
    """Actions that `decide` would accept at this moment, in the order of the lifecycle."""
    return list(_actions_at(facts, _Moment(party, now, today, cancellation_notice, no_show_after)))


def decide_correction(target: Status, facts: Facts, *, party: Party, now: datetime, today: date) -> Status:
    """The status that a correction leads to: any other one that the facts allow. `now` and `today` as `decide`.

    Raises PermissionDenied (patients and the system never may), TransitionNotAllowed, or for the wrong moment NotToday,
    TooEarly, TooLateToConfirm.
    """
    if party not in CLINIC:
        raise PermissionDenied
    if party is Party.PRACTITIONER and facts.local_date != today:
        raise NotToday("A practitioner corrects a visit on its day. The desk can still do it.")
    if target == facts.status:
        raise TransitionNotAllowed(f"This appointment is {_said(target)} already.", extra={"from": facts.status.value})
    refusal = _refusal_of_correction(target, facts, now=now, today=today)
    if refusal is not None:
        raise refusal
    return target


def _refusal_of_correction(target: Status, facts: Facts, *, now: datetime, today: date) -> ChairsideError | None:
    if facts.local_date < today and target not in CLOSED_TO:
        possible = sorted(status.value for status in CLOSED_TO - {facts.status})
        return TransitionNotAllowed(
            f"A visit of a former day cannot become {_said(target)}.",
            extra={"from": facts.status.value, "to": target.value, "allowed": possible},
        )
    if facts.local_date > today:
        if target is Status.CHECKED_IN:
            return NotToday()
        if target in (Status.COMPLETED, Status.NO_SHOW):
            return TooEarly("The day of the appointment has not come.")
    if target is Status.PENDING and facts.starts_at <= now:
        return TooLateToConfirm("The start has passed: nobody could confirm the request any more.")
    return None


def check_attendance(facts: Facts, *, now: datetime) -> None:
    """A patient can promise to come to what is still ahead. Raises TransitionNotAllowed."""
    if facts.status not in UPCOMING:
        raise TransitionNotAllowed(f"A {_said(facts.status)} appointment cannot be attended.")
    if facts.starts_at <= now:
        raise TransitionNotAllowed("This appointment has already begun.")


def check_arrival(facts: Facts, *, now: datetime, today: date) -> None:
    """A patient says "I am here" on the day, from an hour before the start. Raises TransitionNotAllowed, NotToday,
    TooEarly."""
    if facts.status is not Status.CONFIRMED:
        raise TransitionNotAllowed("Only a confirmed appointment can be arrived at.")
    if today != facts.local_date:
        raise NotToday
    if now < facts.starts_at - ARRIVES_FROM:
        raise TooEarly("You can say that you are here from one hour before the start.")


def check_call(facts: Facts, *, today: date) -> None:
    """The clinic calls a patient in. Raises TransitionNotAllowed, NotToday."""
    if facts.status not in (Status.CONFIRMED, Status.CHECKED_IN):
        raise TransitionNotAllowed("Only a patient who is expected or here can be called in.")
    if today != facts.local_date:
        raise NotToday


def parse_status(text: str) -> Status:
    """Understands any case, hyphens and blanks, and the synonyms. Raises InvalidRequest."""
    word = text.strip().lower().replace("-", "_").replace(" ", "_")
    try:
        return SYNONYMS.get(word) or Status(word)
    except ValueError:
        raise InvalidRequest(f"Not a status. Use one of: {', '.join(Status)}.", attr="status") from None


def action_to(current: Status, target: Status) -> Action:
    """The action a person takes to get from one status to another. Raises TransitionNotAllowed if there is none."""
    for action, transition in TRANSITIONS.items():
        by_a_person = transition.parties != {Party.SYSTEM}
        if by_a_person and current in transition.sources and transition.target == target:
            return action
    raise TransitionNotAllowed(
        f"A {_said(current)} appointment cannot become {_said(target)}.",
        extra={"from": current.value, "to": target.value},
    )


def claims_time(action: Action) -> bool:
    """Every other action keeps or frees the time the appointment already has."""
    return action is Action.REOPEN


def releases_time(action: Action) -> bool:
    """Whether the appointment claims its time no longer."""
    return TRANSITIONS[action].target not in ACTIVE_STATUSES


def _not_allowed(action: Action, facts: Facts, moment: _Moment) -> TransitionNotAllowed:
    return TransitionNotAllowed(
        f"“{action}” is not possible for a {_said(facts.status)} appointment.",
        extra={
            "from": facts.status.value,
            "action": action.value,
            "allowed": [allowed.value for allowed in _actions_at(facts, moment)],
        },
    )


def _actions_at(facts: Facts, moment: _Moment) -> Iterator[Action]:
    for action, transition in TRANSITIONS.items():
        possible = moment.party in transition.parties and facts.status in transition.sources
        if possible and _refusal_for_time(action, facts, moment) is None:
            yield action


def _refusal_for_time(action: Action, facts: Facts, moment: _Moment) -> ChairsideError | None:
    match action:
        case Action.CONFIRM:
            return TooLateToConfirm() if moment.now >= facts.starts_at else None
        case Action.CANCEL if moment.party is Party.PATIENT:
            return TooLateToCancel() if moment.now + moment.cancellation_notice > facts.starts_at else None
        case Action.CHECK_IN | Action.REOPEN:
            return NotToday() if moment.today != facts.local_date else None
        case Action.NO_SHOW if moment.party is Party.SYSTEM:
            return _refusal_of_automatic_no_show(facts, moment)
        case Action.COMPLETE | Action.NO_SHOW:
            return TooEarly("The appointment has not begun.") if moment.now < facts.starts_at else None
        case Action.EXPIRE:
            return TooEarly("There is still time to decide.") if moment.now < facts.starts_at else None
    return None


def _refusal_of_automatic_no_show(facts: Facts, moment: _Moment) -> ChairsideError | None:
    if facts.checked_in_at is not None:
        return TransitionNotAllowed("The patient has been here.")
    grace = NO_SHOW_GRACE if facts.arrived_at is not None else timedelta(0)
    if moment.now < facts.starts_at + moment.no_show_after + grace:
        return TooEarly("The patient may still come.")
    return None


def _said(status: Status) -> str:
    return status.value.replace("_", " ").replace("no show", "missed")
