"""The demo clinic, from its plan into the database: people and schedule as rows, appointments through the services."""

import json
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.contrib.auth.hashers import make_password

from clinic.accounts.models import Role, User
from clinic.appointments.actor import UserActor
from clinic.appointments.lifecycle import Party
from clinic.appointments.models import Appointment, Channel, Source
from clinic.appointments.services.booking import Booking, book_appointment
from clinic.appointments.services.decisions import change_status
from clinic.changefeed.services import renew_epoch
from clinic.common import clock
from clinic.common.transactions import in_one_transaction
from clinic.demo.desk import fill_desk
from clinic.demo.planned import (
    CANCELLATION_NOTICE,
    EMAIL_DOMAIN,
    MINUTE,
    NO_SHOW_AFTER,
    PHONE_REGION,
    SLOT_MINUTES,
    Plan,
    PlannedAppointment,
    PlannedPatient,
    PlannedPractitioner,
    PlannedService,
)
from clinic.ops.clinic_removal import remove_clinic
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic, Practitioner, Service, ServicePractitioner, WorkingBlock

SLUG = "demo"
# Until everything is there, so that a seeding that was cut off is known for what it is.
UNFINISHED_SLUG = "demo-unfinished"
# The dice give some patient more undecided requests than a clinic usually takes.
MAX_PENDING_PER_PHONE = 20


@dataclass
class Demo:
    """The rows of the clinic, in the order of the plan."""

    clinic: Clinic
    password: str
    password_hash: str
    owner: User = field(init=False)
    staff: list[User] = field(default_factory=list)
    practitioners: list[Practitioner] = field(default_factory=list)
    services: list[Service] = field(default_factory=list)
    patients: list[Patient] = field(default_factory=list)

    def add_person(self, name: str, role: Role, *, email: str | None = None, **more: Any) -> User:
        email = email or f"{name.split()[0].lower()}@{EMAIL_DOMAIN}"
        return User.objects.create(
            name=name, role=role, email=email, clinic=self.clinic, password=self.password_hash, **more
        )


def demo_clinic() -> Clinic | None:
    return Clinic.objects.filter(slug=SLUG).first()


def remove_demo() -> bool:
    """Take away the demo clinic, finished or not. Returns whether there was one."""
    clinics = list(Clinic.objects.filter(slug__in=(SLUG, UNFINISHED_SLUG)))
    for clinic in clinics:
        remove_clinic(clinic)
    if clinics:
        renew_epoch()
    return bool(clinics)


def fill_demo(plan: Plan, *, timezone: str, on_appointment: Callable[[], None]) -> Demo:
    """Everything of the plan. `on_appointment` is called after each appointment."""
    demo = _make_people_and_schedule(plan, timezone=timezone)
    for planned in plan.appointments:
        _live_through(planned, demo)
        on_appointment()
    fill_desk(
        clinic=demo.clinic,
        desk=demo.staff[0],
        patients=demo.patients,
        practitioner=demo.practitioners[-1],
        now=clock.now(),
    )
    Clinic.objects.filter(pk=demo.clinic.pk).update(slug=SLUG)
    return demo


@in_one_transaction
def _make_people_and_schedule(plan: Plan, *, timezone: str) -> Demo:
    clinic = Clinic.objects.create(
        name="Riverside Dental",
        slug=UNFINISHED_SLUG,
        phone="+1 212 555 0100",
        email="desk@riverside.example",
        address="1 Riverside Walk",
        timezone=timezone,
        phone_region=PHONE_REGION,
        slot_minutes=SLOT_MINUTES,
        cancellation_notice_minutes=CANCELLATION_NOTICE // MINUTE,
        no_show_after_minutes=NO_SHOW_AFTER // MINUTE,
        max_pending_per_phone=MAX_PENDING_PER_PHONE,
    )
    password = secrets.token_urlsafe(12)
    # One hash for everybody: it is slow on purpose, and this is a demo.
    demo = Demo(clinic, password, make_password(password))
    demo.owner = demo.add_person("Olivia Okafor", Role.OWNER, is_staff=True)
    demo.staff = [demo.add_person(name, Role.STAFF, is_staff=True) for name in ("Sam Marlowe", "Tara Ellis")]
    for practitioner in plan.practitioners:
        _add_practitioner(practitioner, demo)
    for service in plan.services:
        _add_service(service, demo)
    for patient in plan.patients:
        _add_patient(patient, demo)
    return demo


def _add_practitioner(planned: PlannedPractitioner, demo: Demo) -> None:
    user = demo.add_person(planned.name, Role.PRACTITIONER, email=planned.email)
    practitioner = Practitioner.objects.create(
        clinic=demo.clinic, user=user, name=planned.name, specialisation=planned.specialisation
    )
    demo.practitioners.append(practitioner)
    WorkingBlock.objects.bulk_create(
        WorkingBlock(
            practitioner=practitioner,
            weekday=block.weekday,
            start_local=block.start_local,
            end_local=block.end_local,
            valid_from=block.valid_from,
            valid_until=block.valid_until,
        )
        for block in planned.blocks
    )


def _add_service(planned: PlannedService, demo: Demo) -> None:
    service = Service.objects.create(
        clinic=demo.clinic,
        name=planned.name,
        duration_minutes=planned.duration_minutes,
        buffer_before_minutes=planned.buffer_before_minutes,
        buffer_after_minutes=planned.buffer_after_minutes,
        color=planned.color,
    )
    demo.services.append(service)
    ServicePractitioner.objects.bulk_create(
        ServicePractitioner(service=service, practitioner=demo.practitioners[place]) for place in planned.practitioners
    )


def _add_patient(planned: PlannedPatient, demo: Demo) -> None:
    user = None
    if planned.has_account:
        phone = planned.phone if planned.phone_is_own else None
        user = demo.add_person(
            planned.name,
            Role.PATIENT,
            email=planned.email,
            phone=phone,
            phone_verified_at=clock.now() if phone else None,
        )
    demo.patients.append(
        Patient.objects.create(
            clinic=demo.clinic, user=user, name=planned.name, email=planned.email, phone=planned.phone
        )
    )


@in_one_transaction
def _live_through(planned: PlannedAppointment, demo: Demo) -> None:
    """Book it when it was booked, and take each step of its life when it was taken."""
    patient = demo.patients[planned.patient]
    appointment = book_appointment(
        actor=_actor(planned.booked_by, planned, demo),
        clinic=demo.clinic,
        booking=Booking(
            patient_id=patient.pk,
            practitioner_id=demo.practitioners[planned.practitioner].pk,
            start=planned.starts_at,
            service_id=demo.services[planned.service].pk,
            notes=planned.notes,
        ),
        now=planned.booked_at,
        source=Source.DEMO,
    )
    for step in planned.steps:
        change_status(
            actor=_actor(step.party, planned, demo),
            appointment_id=appointment.pk,
            action=step.action,
            now=step.at,
            reason=step.reason,
        )


def _actor(party: Party, planned: PlannedAppointment, demo: Demo) -> UserActor:
    user = {
        Party.OWNER: demo.owner,
        Party.STAFF: demo.staff[0],
        Party.PRACTITIONER: demo.practitioners[planned.practitioner].user,
        Party.PATIENT: demo.patients[planned.patient].user,
    }.get(party)
    if user is None:
        raise LookupError(f"Nobody in the demo can act as {party}.")
    return UserActor(user, Channel.COMMAND)


def write_papers(demo: Demo, folder: Path) -> None:
    """`credentials.json`: who signs in with what. `report.json`: how many appointments of which kind."""
    folder.mkdir(parents=True, exist_ok=True)
    patients = [patient.user for patient in demo.patients if patient.user is not None]
    people: dict[str, Sequence[User | None]] = {
        "owner": [demo.owner],
        "staff": demo.staff,
        "practitioner": [practitioner.user for practitioner in demo.practitioners],
        "patient": patients,
    }
    credentials = {
        role: [{"email": user.email, "password": demo.password} for user in users if user is not None]
        for role, users in people.items()
    }
    _write(folder / "credentials.json", credentials, mode=0o600)
    _write(folder / "report.json", _report(demo), mode=0o644)


def _report(demo: Demo) -> dict[str, Any]:
    appointments = list(
        Appointment.objects.filter(clinic=demo.clinic).values_list("status", "practitioner__name", "local_date")
    )
    return {
        "clinic": demo.clinic.name,
        "appointments": len(appointments),
        "patients": len(demo.patients),
        "by_status": dict(sorted(Counter(status for status, _, _ in appointments).items())),
        "by_practitioner": dict(sorted(Counter(name for _, name, _ in appointments).items())),
        "by_month": dict(sorted(Counter(f"{day:%Y-%m}" for _, _, day in appointments).items())),
    }


def _write(path: Path, content: dict[str, Any], *, mode: int) -> None:
    unfinished = path.with_suffix(".new")
    unfinished.touch(mode=mode)
    unfinished.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    unfinished.replace(path)
