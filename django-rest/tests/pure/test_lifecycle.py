"""The lifecycle table, written out by hand: O owner, S staff, D the own practitioner, P the patient, Y the system."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from clinic.appointments.lifecycle import (
    ACTIVE_STATUSES,
    TRANSITIONS,
    Action,
    Facts,
    Party,
    Status,
    action_to,
    allowed_actions,
    check_attendance,
    claims_time,
    decide,
    decide_correction,
    parse_status,
)
from clinic.common.errors import (
    InvalidRequest,
    NotToday,
    PermissionDenied,
    TooEarly,
    TooLateToCancel,
    TooLateToConfirm,
    TransitionNotAllowed,
)

PAGE = Path(__file__).parents[3] / "docs" / "concepts" / "lifecycle.md"
STARTS_AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
THE_DAY = date(2026, 11, 20)
MINUTE = timedelta(minutes=1)
NOTICE = timedelta(hours=24)
GRACE = timedelta(minutes=15)

LETTERS = {
    "O": Party.OWNER,
    "S": Party.STAFF,
    "D": Party.PRACTITIONER,
    "P": Party.PATIENT,
    "Y": Party.SYSTEM,
}

MAY = """
              confirm  reject  cancel  check-in  complete  no-show  reopen  expire
pending       OSD      OSD     OSDP    .         .         .        .       Y
confirmed     .        .       OSDP    OSD       OSD       OSDY     .       .
checked_in    .        .       .       .         OSD       .        .       .
completed     .        .       .       .         .         .        .       .
cancelled     .        .       .       .         .         .        .       .
rejected      .        .       .       .         .         .        .       .
no_show       .        .       .       .         .         .        OSD     .
"""

NEVER_MAY = {
    "confirm": "PY",
    "reject": "PY",
    "cancel": "Y",
    "check-in": "PY",
    "complete": "PY",
    "no-show": "P",
    "reopen": "PY",
    "expire": "OSDP",
}

LEADS_TO = {
    "confirm": "confirmed",
    "reject": "rejected",
    "cancel": "cancelled",
    "check-in": "checked_in",
    "complete": "completed",
    "no-show": "no_show",
    "reopen": "checked_in",
    "expire": "cancelled",
}


def rows_of_the_table() -> list[tuple[str, str, str]]:
    header, *lines = [line.split() for line in MAY.strip().splitlines()]
    return [
        (status, action, parties) for status, *cells in lines for action, parties in zip(header, cells, strict=True)
    ]


def appointment(status: Status, checked_in_at: datetime | None = None) -> Facts:
    return Facts(status, STARTS_AT, THE_DAY, checked_in_at)


def attempt(
    action: Action,
    status: Status,
    party: Party,
    *,
    now: datetime,
    checked_in_at: datetime | None = None,
    cancellation_notice: timedelta = NOTICE,
) -> Status:
    return decide(
        action,
        appointment(status, checked_in_at),
        party=party,
        now=now,
        today=now.date(),
        cancellation_notice=cancellation_notice,
        no_show_after=GRACE,
    )


def in_good_time(action: Action) -> datetime:
    is_early = action in (Action.CANCEL, Action.CONFIRM)
    return STARTS_AT - timedelta(days=3) if is_early else STARTS_AT + timedelta(hours=1)


def test_the_table_names_every_status_action_and_party() -> None:
    rows = rows_of_the_table()
    assert {row[0] for row in rows} == {status.value for status in Status}
    assert {row[1] for row in rows} == {action.value for action in Action}
    assert set(LETTERS.values()) == set(Party)
    assert len(rows) == 7 * 8


def outcome(action: Action, status: Status, party: Party) -> Status | type[Exception]:
    try:
        return attempt(action, status, party, now=in_good_time(action))
    except (PermissionDenied, TransitionNotAllowed) as refusal:
        return type(refusal)


@pytest.mark.parametrize(("status", "action", "parties"), rows_of_the_table())
def test_roles_may_take_their_steps_from_each_status(status: str, action: str, parties: str) -> None:
    expected = {
        letter: LEADS_TO[action]
        if letter in parties
        else PermissionDenied
        if letter in NEVER_MAY[action]
        else TransitionNotAllowed
        for letter in LETTERS
    }
    assert {letter: outcome(Action(action), Status(status), LETTERS[letter]) for letter in LETTERS} == expected


def test_active_means_pending_confirmed_or_checked_in() -> None:
    assert {"pending", "confirmed", "checked_in"} == ACTIVE_STATUSES


class TestCancelling:
    def test_patient_may_cancel_up_to_the_notice_and_exactly_at_it(self) -> None:
        assert attempt(Action.CANCEL, Status.CONFIRMED, Party.PATIENT, now=STARTS_AT - NOTICE) == "cancelled"

    @pytest.mark.parametrize("status", [Status.PENDING, Status.CONFIRMED])
    def test_patient_cannot_cancel_after_the_notice(self, status: Status) -> None:
        with pytest.raises(TooLateToCancel):
            attempt(Action.CANCEL, status, Party.PATIENT, now=STARTS_AT - NOTICE + timedelta(microseconds=1))

    def test_patient_cannot_cancel_after_the_start_even_without_a_notice(self) -> None:
        with pytest.raises(TooLateToCancel):
            attempt(
                Action.CANCEL,
                Status.CONFIRMED,
                Party.PATIENT,
                now=STARTS_AT + MINUTE,
                cancellation_notice=timedelta(0),
            )

    @pytest.mark.parametrize("party", [Party.OWNER, Party.STAFF, Party.PRACTITIONER])
    def test_the_clinic_may_cancel_at_any_time(self, party: Party) -> None:
        assert attempt(Action.CANCEL, Status.CONFIRMED, party, now=STARTS_AT - MINUTE) == "cancelled"


class TestConfirming:
    def test_clinic_may_confirm_up_to_the_start(self) -> None:
        assert attempt(Action.CONFIRM, Status.PENDING, Party.STAFF, now=STARTS_AT - MINUTE) == "confirmed"

    @pytest.mark.parametrize("party", [Party.OWNER, Party.STAFF, Party.PRACTITIONER])
    def test_clinic_may_not_confirm_from_the_start_on(self, party: Party) -> None:
        with pytest.raises(TooLateToConfirm):
            attempt(Action.CONFIRM, Status.PENDING, party, now=STARTS_AT)


class TestTheDay:
    @pytest.mark.parametrize(("action", "status"), [(Action.CHECK_IN, "confirmed"), (Action.REOPEN, "no_show")])
    @pytest.mark.parametrize("days", [-1, 1])
    def test_check_in_and_reopening_on_another_day_are_refused(self, action: Action, status: str, days: int) -> None:
        with pytest.raises(NotToday):
            attempt(action, Status(status), Party.STAFF, now=STARTS_AT + timedelta(days=days))

    def test_patient_may_be_checked_in_long_before_the_start(self) -> None:
        assert attempt(Action.CHECK_IN, Status.CONFIRMED, Party.STAFF, now=STARTS_AT - 90 * MINUTE) == "checked_in"

    def test_the_day_is_the_clinics_and_not_that_of_utc(self) -> None:
        just_after_midnight_in_auckland = datetime(2026, 11, 19, 11, 30, tzinfo=UTC)
        assert (
            decide(
                Action.CHECK_IN,
                Facts(Status.CONFIRMED, just_after_midnight_in_auckland, THE_DAY),
                party=Party.STAFF,
                now=just_after_midnight_in_auckland,
                today=THE_DAY,
                cancellation_notice=NOTICE,
                no_show_after=GRACE,
            )
            == "checked_in"
        )


class TestTheStart:
    @pytest.mark.parametrize("status", [Status.CONFIRMED, Status.CHECKED_IN])
    def test_completing_before_the_start_is_refused(self, status: Status) -> None:
        with pytest.raises(TooEarly):
            attempt(Action.COMPLETE, status, Party.PRACTITIONER, now=STARTS_AT - MINUTE)

    def test_practitioner_completes_from_the_start_on(self) -> None:
        assert attempt(Action.COMPLETE, Status.CHECKED_IN, Party.PRACTITIONER, now=STARTS_AT) == "completed"

    def test_practitioner_may_complete_days_later(self) -> None:
        late = STARTS_AT + timedelta(days=3)
        assert attempt(Action.COMPLETE, Status.CHECKED_IN, Party.PRACTITIONER, now=late) == "completed"

    def test_staff_cannot_mark_a_no_show_before_the_start(self) -> None:
        with pytest.raises(TooEarly):
            attempt(Action.NO_SHOW, Status.CONFIRMED, Party.STAFF, now=STARTS_AT - MINUTE)

    def test_staff_need_not_wait_after_the_start(self) -> None:
        assert attempt(Action.NO_SHOW, Status.CONFIRMED, Party.STAFF, now=STARTS_AT) == "no_show"

    def test_the_system_waits_before_it_marks_a_no_show(self) -> None:
        with pytest.raises(TooEarly):
            attempt(Action.NO_SHOW, Status.CONFIRMED, Party.SYSTEM, now=STARTS_AT + GRACE - MINUTE)
        assert attempt(Action.NO_SHOW, Status.CONFIRMED, Party.SYSTEM, now=STARTS_AT + GRACE) == "no_show"

    def test_the_system_never_marks_someone_who_has_been_here(self) -> None:
        with pytest.raises(TransitionNotAllowed):
            attempt(
                Action.NO_SHOW,
                Status.CONFIRMED,
                Party.SYSTEM,
                now=STARTS_AT + timedelta(hours=1),
                checked_in_at=STARTS_AT,
            )

    def test_a_request_expires_when_its_start_passes_and_not_before(self) -> None:
        with pytest.raises(TooEarly):
            attempt(Action.EXPIRE, Status.PENDING, Party.SYSTEM, now=STARTS_AT - MINUTE)
        assert attempt(Action.EXPIRE, Status.PENDING, Party.SYSTEM, now=STARTS_AT) == "cancelled"


class TestWhatIsAllowed:
    @staticmethod
    def allowed(status: Status, party: Party, now: datetime) -> list[str]:
        return [
            action.value
            for action in allowed_actions(
                appointment(status),
                party=party,
                now=now,
                today=now.date(),
                cancellation_notice=NOTICE,
                no_show_after=GRACE,
            )
        ]

    def test_staff_see_what_they_can_do_with_a_request(self) -> None:
        assert self.allowed(Status.PENDING, Party.STAFF, STARTS_AT - 3 * NOTICE) == ["confirm", "reject", "cancel"]

    def test_check_in_appears_on_the_day(self) -> None:
        assert self.allowed(Status.CONFIRMED, Party.STAFF, STARTS_AT - NOTICE) == ["cancel"]
        assert self.allowed(Status.CONFIRMED, Party.STAFF, STARTS_AT - MINUTE) == ["cancel", "check-in"]

    def test_complete_and_no_show_appear_with_the_start(self) -> None:
        expected = ["cancel", "check-in", "complete", "no-show"]
        assert self.allowed(Status.CONFIRMED, Party.PRACTITIONER, STARTS_AT) == expected

    def test_patient_can_cancel_until_it_is_too_late(self) -> None:
        assert self.allowed(Status.CONFIRMED, Party.PATIENT, STARTS_AT - NOTICE) == ["cancel"]
        assert self.allowed(Status.CONFIRMED, Party.PATIENT, STARTS_AT - NOTICE + MINUTE) == []

    @pytest.mark.parametrize("party", list(Party))
    @pytest.mark.parametrize("status", [Status.COMPLETED, Status.CANCELLED, Status.REJECTED])
    def test_nothing_is_allowed_at_the_end(self, status: Status, party: Party) -> None:
        assert self.allowed(status, party, STARTS_AT) == []

    @pytest.mark.parametrize("party", list(Party))
    @pytest.mark.parametrize("status", list(Status))
    def test_allowed_actions_are_those_that_would_be_accepted(self, status: Status, party: Party) -> None:
        moments = [STARTS_AT + timedelta(hours=hours) for hours in (-72, -24, -1, 0, 1, 24)]
        assert [self.allowed(status, party, now) for now in moments] == [
            accepted(status, party, now) for now in moments
        ]

    def test_a_refused_transition_says_from_where_what_and_what_instead(self) -> None:
        with pytest.raises(TransitionNotAllowed) as refusal:
            attempt(Action.COMPLETE, Status.PENDING, Party.STAFF, now=STARTS_AT)
        assert refusal.value.extra == {
            "from": "pending",
            "action": "complete",
            "allowed": ["reject", "cancel"],
        }


def accepted(status: Status, party: Party, now: datetime) -> list[str]:
    found = []
    for action in Action:
        try:
            attempt(action, status, party, now=now)
        except (PermissionDenied, TransitionNotAllowed, TooEarly, TooLateToCancel, TooLateToConfirm, NotToday):
            continue
        found.append(action.value)
    return found


class TestStatusesAsPeopleWriteThem:
    @pytest.mark.parametrize(
        ("text", "status"),
        [
            ("pending", "pending"),
            ("Confirmed", "confirmed"),
            ("APPROVED", "confirmed"),
            ("approved", "confirmed"),
            ("REJECTED", "rejected"),
            ("Declined", "rejected"),
            ("CANCELED", "cancelled"),
            ("CANCELLED", "cancelled"),
            ("NO-SHOW", "no_show"),
            ("no show", "no_show"),
            ("NoShow", "no_show"),
            ("CHECKED-IN", "checked_in"),
            ("checked_in", "checked_in"),
            (" Completed ", "completed"),
        ],
    )
    def test_a_status_is_understood(self, text: str, status: str) -> None:
        assert parse_status(text) == status

    @pytest.mark.parametrize("text", ["", " ", "done", "confirm", "pending,confirmed", "İ", "approved\x00"])
    def test_anything_else_is_refused_by_name(self, text: str) -> None:
        with pytest.raises(InvalidRequest) as refusal:
            parse_status(text)
        assert refusal.value.attr == "status"
        assert "no_show" in refusal.value.detail


class TestPatchingAStatus:
    WAYS = {
        ("pending", "confirmed"): "confirm",
        ("pending", "rejected"): "reject",
        ("pending", "cancelled"): "cancel",
        ("confirmed", "cancelled"): "cancel",
        ("confirmed", "checked_in"): "check-in",
        ("confirmed", "completed"): "complete",
        ("confirmed", "no_show"): "no-show",
        ("checked_in", "completed"): "complete",
        ("no_show", "checked_in"): "reopen",
    }

    @pytest.mark.parametrize("target", list(Status))
    @pytest.mark.parametrize("current", list(Status))
    def test_a_new_status_is_the_action_that_leads_there(self, current: Status, target: Status) -> None:
        way = self.WAYS.get((current.value, target.value))
        if way is not None:
            assert action_to(current, target) == way
            return
        with pytest.raises(TransitionNotAllowed) as refusal:
            action_to(current, target)
        assert refusal.value.extra == {"from": current.value, "to": target.value}


def test_only_reopening_claims_the_time_again() -> None:
    assert [action.value for action in Action if claims_time(action)] == ["reopen"]


class TestCorrecting:
    """Any status to any other, as far as the day of the visit allows."""

    @staticmethod
    def possible(status: Status, party: Party, *, now: datetime) -> set[str]:
        found = set()
        for target in Status:
            try:
                decide_correction(target, appointment(status), party=party, now=now, today=now.date())
            except (PermissionDenied, TransitionNotAllowed, NotToday, TooEarly, TooLateToConfirm):
                continue
            found.add(target.value)
        return found

    @pytest.mark.parametrize("party", [Party.OWNER, Party.STAFF, Party.PRACTITIONER])
    @pytest.mark.parametrize("status", list(Status))
    def test_visit_of_today_may_become_anything_else(self, status: Status, party: Party) -> None:
        assert self.possible(status, party, now=STARTS_AT - MINUTE) == set(Status) - {status}

    @pytest.mark.parametrize("status", list(Status))
    def test_visit_that_has_begun_becomes_no_request(self, status: Status) -> None:
        assert self.possible(status, Party.STAFF, now=STARTS_AT) == set(Status) - {status, Status.PENDING}

    @pytest.mark.parametrize("status", list(Status))
    def test_visit_of_a_former_day_becomes_completed_missed_or_cancelled(self, status: Status) -> None:
        later = STARTS_AT + timedelta(days=1)
        assert self.possible(status, Party.STAFF, now=later) == {"completed", "no_show", "cancelled"} - {status}

    @pytest.mark.parametrize("status", list(Status))
    def test_visit_of_a_later_day_has_not_taken_place(self, status: Status) -> None:
        earlier = STARTS_AT - timedelta(days=1)
        possible = {"pending", "confirmed", "cancelled", "rejected"} - {status}
        assert self.possible(status, Party.OWNER, now=earlier) == possible

    @pytest.mark.parametrize("days", [-1, 1])
    def test_practitioner_corrects_on_the_day_alone(self, days: int) -> None:
        now = STARTS_AT + timedelta(days=days)
        assert self.possible(Status.CONFIRMED, Party.PRACTITIONER, now=now) == set()

    @pytest.mark.parametrize("party", [Party.PATIENT, Party.SYSTEM])
    def test_patient_and_system_correct_nothing(self, party: Party) -> None:
        with pytest.raises(PermissionDenied):
            decide_correction(
                Status.CANCELLED, appointment(Status.CONFIRMED), party=party, now=STARTS_AT, today=THE_DAY
            )


class TestAttendance:
    @pytest.mark.parametrize("status", [Status.PENDING, Status.CONFIRMED])
    def test_patient_promises_to_come_to_what_is_ahead(self, status: Status) -> None:
        check_attendance(appointment(status), now=STARTS_AT - MINUTE)

    @pytest.mark.parametrize("status", [Status.PENDING, Status.CONFIRMED])
    def test_patient_cannot_promise_once_it_has_begun(self, status: Status) -> None:
        with pytest.raises(TransitionNotAllowed):
            check_attendance(appointment(status), now=STARTS_AT)

    @pytest.mark.parametrize("status", ["checked_in", "completed", "cancelled", "rejected", "no_show"])
    def test_patient_cannot_promise_to_come_to_anything_else(self, status: str) -> None:
        with pytest.raises(TransitionNotAllowed):
            check_attendance(appointment(Status(status)), now=STARTS_AT - MINUTE)


def test_documentation_has_the_same_steps() -> None:
    rows = [row.split(" | ") for row in re.findall(r"^\| (`.+) \|$", PAGE.read_text(), re.M)]
    documented = {
        action.strip("`"): (set(re.findall(r"\w+", sources)), target.strip("`"), set(parties.split(", ")))
        for action, sources, target, parties, _ in rows
    }
    assert documented == {
        action.value: ({*map(str, one.sources)}, one.target.value, {*map(str, one.parties)})
        for action, one in TRANSITIONS.items()
    }
