"""Practitioners and services, by viewer."""

from django.db.models import QuerySet

from clinic.accounts.models import Role, User
from clinic.common.errors import NotFound
from clinic.scheduling.models import (
    Clinic,
    Practitioner,
    Service,
)
from clinic.scheduling.queries.rows import Row, one_of


def practitioners_of(clinic: Clinic) -> QuerySet[Practitioner]:
    return Practitioner.objects.filter(clinic_id=clinic.pk, active=True).order_by("name", "id")


def get_practitioner(clinic: Clinic, practitioner_id: int) -> Practitioner:
    practitioner = practitioners_of(clinic).filter(pk=practitioner_id).first()
    if practitioner is None:
        raise NotFound("There is no such practitioner.")
    return practitioner


def practitioners_listed_for(viewer: User | None, clinic: Clinic, *, active: str = "true") -> QuerySet[Practitioner]:
    """All users see the active ones; the desk may ask for `false` or `all`."""
    practitioners = Practitioner.objects.filter(clinic_id=clinic.pk).select_related("user")
    return _listed(practitioners, viewer, active).order_by("name", "id")


def services_listed_for(viewer: User | None, clinic: Clinic, *, active: str = "true") -> QuerySet[Service]:
    return _listed(Service.objects.filter(clinic_id=clinic.pk), viewer, active).order_by("name", "id")


def _listed(rows: QuerySet[Row], viewer: User | None, active: str) -> QuerySet[Row]:
    if viewer is None or not viewer.works_at_desk:
        active = "true"
    return rows if active == "all" else rows.filter(active=active == "true")


def get_practitioner_for_owner(owner: User, practitioner_id: int, *, lock: bool = False) -> Practitioner:
    """Active or not. Raises NotFound."""
    return _own_row(Practitioner.objects.all(), owner, practitioner_id, lock=lock, name="practitioner")


def get_service_for_owner(owner: User, service_id: int, *, lock: bool = False) -> Service:
    """Active or not. Raises NotFound."""
    return _own_row(Service.objects.all(), owner, service_id, lock=lock, name="service")


def _own_row(rows: QuerySet[Row], owner: User, row_id: int, *, lock: bool, name: str) -> Row:
    rows = rows.filter(clinic_id=owner.clinic_id) if owner.role == Role.OWNER else rows.none()
    return one_of(rows.select_for_update() if lock else rows, row_id, name)


def get_practitioner_for(viewer: User | None, practitioner_id: int) -> Practitioner:
    """With their clinic, which for somebody who is not signed in is thereby named. Raises NotFound."""
    practitioners = Practitioner.objects.filter(active=True).select_related("clinic", "user")
    if viewer is not None and viewer.clinic_id is not None:
        practitioners = practitioners.filter(clinic_id=viewer.clinic_id)
    practitioner = practitioners.filter(pk=practitioner_id).first()
    if practitioner is None:
        raise NotFound("There is no such practitioner.")
    return practitioner


def services_of(clinic: Clinic) -> QuerySet[Service]:
    return Service.objects.filter(clinic_id=clinic.pk, active=True).order_by("name", "id")


def get_service(clinic: Clinic, service_id: int) -> Service:
    service = services_of(clinic).filter(pk=service_id).first()
    if service is None:
        raise NotFound("There is no such service.")
    return service


def practitioners_offering(clinic: Clinic, service: Service | None) -> QuerySet[Practitioner]:
    """All of them, where no service is asked for."""
    practitioners = practitioners_of(clinic)
    return practitioners if service is None else practitioners.filter(services=service.pk)


def offers(practitioner: Practitioner, service: Service) -> bool:
    return service.practitioners.filter(pk=practitioner.pk).exists()
