"""The owner makes, changes and deactivates practitioners. Whoever goes leaves appointments behind: what becomes of them
is said explicitly, and happens through the same services as everything else, all of it or nothing."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from clinic.accounts.models import Role, User
from clinic.accounts.phones import NO_PHONE, phone_given
from clinic.accounts.services import check_is_free, create_user
from clinic.appointments.actor import UserActor
from clinic.appointments.lifecycle import UPCOMING, Action
from clinic.appointments.models import Appointment
from clinic.appointments.queries import upcoming_appointments
from clinic.appointments.services.briefs import brief_of, list_of
from clinic.appointments.services.decisions import change_status
from clinic.appointments.services.moving import Edit, edit_appointment
from clinic.clinic_setup.services.offered_services import link_both, refuse_unknown
from clinic.common import clock
from clinic.common.errors import CannotMove, ChairsideError, HasAppointments, InvalidRequest
from clinic.common.transactions import in_one_transaction
from clinic.common.versions import ANY_VERSION, Expected, raise_versions, write_changes
from clinic.people.identities import NOBODY
from clinic.scheduling.models import Clinic, Practitioner, Service
from clinic.scheduling.queries.clinics import own_clinic_of
from clinic.scheduling.queries.practitioners import get_practitioner_for_owner, practitioners_of
from clinic.scheduling.services import lock_practitioners


@dataclass(frozen=True, slots=True)
class Fate:
    """The fate of the appointments ahead. A move keeps each start and follows the rules of a move."""

    kind: Literal["cancel", "keep", "move"]
    move_to: int | None = None
    outside_hours: bool = False
    reason: str = ""


@in_one_transaction
def create_practitioner(*, owner: User, fields: dict[str, Any]) -> Practitioner:
    """`fields` may hold `services` and `user` by id, or an `account` to make. Raises InvalidRequest."""
    clinic, fields = own_clinic_of(owner), dict(fields)
    service_ids, account = fields.pop("services", []), fields.pop("account", None)
    user = _user_for(clinic, fields.pop("user", None))
    if account is not None:
        user = _make_account(clinic, fields["name"], account)
    practitioner = Practitioner.objects.create(clinic=clinic, user=user, **fields)
    link_both(practitioner.services, Service, _services_named(clinic, service_ids))
    _raise_accounts(practitioner.user_id)
    return practitioner


@in_one_transaction
def edit_practitioner(
    *,
    actor: UserActor,
    practitioner_id: int,
    changes: dict[str, Any],
    now: datetime,
    fate: Fate | None = None,
    expected: Expected = ANY_VERSION,
) -> Practitioner:
    """`active: False` needs a `fate` where appointments are ahead.

    Raises NotFound, StaleVersion, PreconditionFailed, InvalidRequest, HasAppointments, CannotMove.
    """
    owner = actor.user
    changes = dict(changes)
    leaves = changes.get("active") is False
    if leaves:
        _lock_concerned(get_practitioner_for_owner(owner, practitioner_id), fate, now=now)
    practitioner = get_practitioner_for_owner(owner, practitioner_id, lock=True)
    expected.check(practitioner.version)
    leaves = leaves and practitioner.active
    _write(practitioner, own_clinic_of(owner), changes)
    if leaves:
        # Inactive by now: nobody is given the time that this frees.
        _settle_appointments(actor, practitioner, fate, now=now)
    return practitioner


def _lock_concerned(practitioner: Practitioner, fate: Fate | None, *, now: datetime) -> None:
    """One lock for all: no booking slips in between the list and the end."""
    wanted = {practitioner.pk}
    if fate is not None and fate.move_to is not None:
        if (
            fate.move_to == practitioner.pk
            or not practitioners_of(practitioner.clinic).filter(pk=fate.move_to).exists()
        ):
            raise InvalidRequest("There is no such practitioner to move to.", attr="appointments")
        wanted.add(fate.move_to)
    lock_practitioners(practitioner.clinic, wanted, now=now, also_inactive=True)


def _write(practitioner: Practitioner, clinic: Clinic, changes: dict[str, Any]) -> None:
    service_ids, account = changes.pop("services", None), changes.pop("account", None)
    if account is not None:
        if practitioner.user_id is not None:
            raise InvalidRequest("There is an account already.", attr="account")
        changes["user"] = _make_account(clinic, changes.get("name", practitioner.name), account)
    elif "user" in changes:
        changes["user"] = _user_for(clinic, changes["user"], practitioner=practitioner)
    former_user_id = practitioner.user_id
    write_changes(practitioner, changes, touched=service_ids is not None)
    if practitioner.user_id != former_user_id:
        _raise_accounts(former_user_id, practitioner.user_id)
    if service_ids is not None:
        link_both(practitioner.services, Service, _services_named(clinic, service_ids))


def _settle_appointments(actor: UserActor, practitioner: Practitioner, fate: Fate | None, *, now: datetime) -> None:
    clinic = practitioner.clinic
    ahead = list(upcoming_appointments(clinic, [practitioner.pk], now=now, statuses=UPCOMING))
    if not ahead or (fate is not None and fate.kind == "keep"):
        return
    if fate is None:
        raise HasAppointments(attr="appointments", extra=list_of(ahead, clinic))
    if fate.kind == "move":
        _move_all(actor, ahead, fate, now=now)
        return
    for appointment in ahead:
        change_status(actor=actor, appointment_id=appointment.pk, action=Action.CANCEL, now=now, reason=fate.reason)


def _move_all(actor: UserActor, ahead: Collection[Appointment], fate: Fate, *, now: datetime) -> None:
    """Each is tried, so that the refusal names every one that stands in the way."""
    refused: list[dict[str, object]] = []
    edit = Edit(practitioner_id=fate.move_to, outside_hours=fate.outside_hours)
    for appointment in ahead:
        try:
            edit_appointment(actor=actor, appointment_id=appointment.pk, edit=edit, now=now)
        except ChairsideError as error:
            refused.append({**brief_of(appointment, appointment.clinic), "code": error.code, "detail": error.detail})
    if refused:
        raise CannotMove(attr="appointments", extra={"count": len(refused), "appointments": refused})


def _make_account(clinic: Clinic, name: str, account: dict[str, Any]) -> User:
    check_is_free(account["email"])
    return create_user(
        email=account["email"],
        password=account["password"],
        role=Role.PRACTITIONER,
        name=name,
        clinic=clinic,
        phone=phone_given(account, region=clinic.phone_region) or NO_PHONE,
        now=clock.now(),
    )


def _user_for(clinic: Clinic, user_id: int | None, *, practitioner: Practitioner | None = None) -> User | None:
    if user_id is None:
        return None
    # Locked, so that two practitioners cannot be given the same account at once.
    user = User.objects.select_for_update().filter(clinic=clinic, role=Role.PRACTITIONER, pk=user_id).first()
    if user is None:
        raise InvalidRequest("There is no such account of a practitioner.", attr="user")
    if Practitioner.objects.filter(user=user).exclude(pk=practitioner.pk if practitioner else NOBODY).exists():
        raise InvalidRequest("This account belongs to another practitioner.", attr="user")
    return user


def _raise_accounts(*user_ids: int | None) -> None:
    """Schedules are shown with their accounts too."""
    raise_versions(User.objects.filter(pk__in=[user_id for user_id in user_ids if user_id is not None]))


def _services_named(clinic: Clinic, service_ids: Collection[int]) -> list[Service]:
    found = list(Service.objects.filter(clinic=clinic, active=True, pk__in=service_ids))
    refuse_unknown(service_ids, found, attr="services")
    return found
