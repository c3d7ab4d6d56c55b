"""Time off: a practitioner asks, the desk answers. Approved, it becomes a schedule exception like any other.

Both sides are told in the app, in the transaction of the step.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime, time
from typing import Any

from django.db.models import Q
from django.utils import dateformat, translation

from clinic.accounts.models import Role, User
from clinic.appointments.models import Appointment
from clinic.clinic_setup.services.schedules import create_exception, stranded_by
from clinic.common.errors import InvalidRequest, PermissionDenied, TransitionNotAllowed
from clinic.common.instants import local_date_of, zone_of
from clinic.common.transactions import in_one_transaction
from clinic.common.versions import ANY_VERSION, Expected, write_changes
from clinic.outbox.models import DeliveryChannel, MessageKind
from clinic.outbox.services import About, NewMessage, compose_message, queue_messages
from clinic.people.identities import practitioner_id_of
from clinic.scheduling.models import Absence, AbsenceState, Clinic
from clinic.scheduling.queries.practitioners import get_practitioner
from clinic.scheduling.queries.rows import one_of
from clinic.scheduling.queries.schedules import absences_visible_to, get_absence_for
from clinic.scheduling.services import lock_practitioners
from clinic.scheduling.working_hours import DayException

DATE = {"en": "D j M Y", "de": "D, j.n.Y"}


@in_one_transaction
def request_absence(*, user: User, fields: dict[str, Any], now: datetime) -> Absence:
    """By the practitioner. `fields` as the model names them. Raises PermissionDenied, InvalidRequest (it is past)."""
    practitioner_id = practitioner_id_of(user)
    if user.clinic is None or practitioner_id is None:
        raise PermissionDenied("Practitioners ask for time off.")
    practitioner = get_practitioner(user.clinic, practitioner_id)
    if fields["end_date"] < local_date_of(now, zone_of(user.clinic.timezone)):
        raise InvalidRequest("These days are past.", attr="end_date")
    absence = Absence.objects.create(clinic=user.clinic, practitioner=practitioner, requested_at=now, **fields)
    _notify(absence, _desk_of(user.clinic), template="absence_requested", now=now)
    return absence


@in_one_transaction
def withdraw_absence(*, user: User, absence_id: int, expected: Expected = ANY_VERSION) -> Absence:
    """By the practitioner, before it is answered. Raises NotFound, PermissionDenied, StaleVersion,
    TransitionNotAllowed."""
    absence = _lock(user, absence_id, expected)
    if absence.practitioner.user_id != user.pk:
        raise PermissionDenied("The practitioner withdraws the request. Decline it instead.")
    write_changes(absence, {"state": AbsenceState.WITHDRAWN})
    return absence


@in_one_transaction
def approve_absence(
    *, user: User, absence_id: int, now: datetime, force: bool = False, expected: Expected = ANY_VERSION
) -> tuple[Absence, list[Appointment]]:
    """By the desk. With the appointments that it leaves outside of the hours, if `force`d. Raises NotFound,
    PermissionDenied, StaleVersion, TransitionNotAllowed, WouldStrand."""
    _check_may_decide(user)
    found = get_absence_for(user, absence_id)
    lock_practitioners(found.clinic, [found.practitioner_id], now=now)  # Before the absence, as every claim does.
    absence = _lock(user, absence_id, expected)
    exception, stranded = create_exception(
        user=user,
        practitioner_id=absence.practitioner_id,
        fields={
            "start_date": absence.start_date,
            "end_date": absence.end_date,
            "start_local": absence.start_local,
            "end_local": absence.end_local,
            "closed": True,
            "reason": absence.reason,
        },
        now=now,
        force=force,
    )
    decision = {"state": AbsenceState.APPROVED, "decided_at": now, "decided_by": user, "exception": exception}
    write_changes(absence, decision)
    _notify(absence, _practitioner_of(absence), template="absence_approved", now=now)
    return absence, stranded


@in_one_transaction
def decline_absence(
    *, user: User, absence_id: int, answer: str, now: datetime, expected: Expected = ANY_VERSION
) -> Absence:
    """By the desk. Raises NotFound, PermissionDenied, StaleVersion, TransitionNotAllowed."""
    _check_may_decide(user)
    absence = _lock(user, absence_id, expected)
    decision = {"state": AbsenceState.DECLINED, "decided_at": now, "decided_by": user, "answer": answer}
    write_changes(absence, decision)
    _notify(absence, _practitioner_of(absence), template="absence_declined", now=now)
    return absence


def conflicts_of(absences: Sequence[Absence], *, now: datetime) -> dict[int, list[Appointment]]:
    """The appointments that each of these unanswered requests of one clinic would leave outside of the hours. Three
    queries for any number."""
    asked = [absence for absence in absences if absence.state == AbsenceState.REQUESTED]
    if not asked:
        return {}
    found = stranded_by(asked[0].clinic, [_exception_of(absence) for absence in asked], now=now)
    return {absence.pk: stranded for absence, stranded in zip(asked, found, strict=True)}


def _exception_of(absence: Absence) -> DayException:
    return DayException(
        absence.start_date, absence.end_date, absence.practitioner_id, True, absence.start_local, absence.end_local
    )


def _check_may_decide(user: User) -> None:
    if not user.works_at_desk:
        raise PermissionDenied("Owner and staff answer requests for time off.")


def _lock(user: User, absence_id: int, expected: Expected) -> Absence:
    """An unanswered one."""
    absences = absences_visible_to(user).select_related(None).select_for_update()
    absence = one_of(absences, absence_id, "absence")
    expected.check(absence.version)
    if absence.state != AbsenceState.REQUESTED:
        raise TransitionNotAllowed(f"This request is {absence.state} already.", extra={"allowed": []})
    return absence


def _desk_of(clinic: Clinic) -> Collection[User]:
    at_desk = Q(clinic=clinic, role__in=(Role.OWNER, Role.STAFF), is_active=True)
    return list(User.objects.filter(at_desk).order_by("pk"))


def _practitioner_of(absence: Absence) -> Collection[User]:
    user_id = absence.practitioner.user_id
    return [] if user_id is None else list(User.objects.filter(pk=user_id, is_active=True))


def _notify(absence: Absence, readers: Collection[User], *, template: str, now: datetime) -> None:
    """Last in the transaction: notifications take the clinic's number."""
    language = absence.clinic.language
    queue_messages(
        [
            compose_message(
                NewMessage(
                    about=About(absence.clinic_id, reader.pk),
                    kind=MessageKind.CLINIC,
                    channel=DeliveryChannel.IN_APP,
                    template=template,
                    recipient=reader.email or "",
                    context={
                        "practitioner": absence.practitioner.name,
                        "days": format_days(absence, language),
                        "reason": absence.reason,
                        "answer": absence.answer,
                    },
                    unique_key=f"{template}:{absence.pk}:{reader.pk}",
                    language=language,
                ),
                now=now,
            )
            for reader in readers
        ]
    )


def format_days(absence: Absence, language: str) -> str:
    """`Thu 24 Dec 2026 - Sat 26 Dec 2026`, with the times of an absence of hours."""
    days = [_format_date(day, language) for day in sorted({absence.start_date, absence.end_date})]
    times = [_format_time(one) for one in (absence.start_local, absence.end_local) if one is not None]
    return ", ".join(part for part in (" - ".join(days), "-".join(times)) if part)


def _format_date(day: date, language: str) -> str:
    with translation.override(language):
        return dateformat.format(day, DATE.get(language, DATE["en"]))


def _format_time(at_local: time) -> str:
    return at_local.strftime("%H:%M")
