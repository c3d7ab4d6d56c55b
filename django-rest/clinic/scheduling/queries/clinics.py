"""Clinics by user, by name, and for people who are not signed in."""

from django.db.models import Q, QuerySet

from clinic.accounts.models import User
from clinic.common.errors import InvalidRequest, NotFound, UnknownTimeZone
from clinic.common.instants import zone_of
from clinic.scheduling.models import (
    Clinic,
    Practitioner,
    Service,
)
from clinic.scheduling.queries.rows import one_of


def own_clinic_of(user: User) -> Clinic:
    """The clinic that an account belongs to. Raises NotFound for an administrator, who belongs to none."""
    if user.clinic is None:
        raise NotFound("There is no such clinic.")
    return user.clinic


def clinics_in_unknown_zones() -> QuerySet[Clinic]:
    """Clinics whose requests are refused because nobody can tell their time. One query at once, the
    queryset's own only if there are any."""
    used = Clinic.objects.order_by().values_list("timezone", flat=True).distinct()
    return Clinic.objects.filter(timezone__in=[name for name in used if not _is_known(name)]).order_by("pk")


def _is_known(zone_name: str) -> bool:
    try:
        zone_of(zone_name)
    except UnknownTimeZone:
        return False
    return True


def get_clinic_for(
    viewer: User | None,
    *,
    name: str | None = None,
    practitioner_id: int | None = None,
    service_id: int | None = None,
) -> Clinic:
    """A user's own clinic; for anyone else the one named by slug or id, the only one there is, or the one whose
    practitioner or service is asked for. Raises NotFound, InvalidRequest."""
    if viewer is not None and viewer.clinic is not None:
        return viewer.clinic
    if name is not None:
        return get_clinic_named(name)
    clinics = list(Clinic.objects.order_by("id")[:2])
    if not clinics:
        raise NotFound("There is no clinic yet.")
    if len(clinics) == 1:
        return clinics[0]
    if practitioner_id is not None:
        return one_of(Practitioner.objects.select_related("clinic"), practitioner_id, "practitioner").clinic
    if service_id is not None:
        return one_of(Service.objects.select_related("clinic"), service_id, "service").clinic
    raise InvalidRequest("There are several clinics here: name one by its slug.", attr="clinic")


def get_clinic_named(name: str) -> Clinic:
    """By slug, or by id. Raises NotFound."""
    by_id = Q(pk=int(name)) if name.isascii() and name.isdigit() and len(name) < 19 else Q(pk__in=[])
    clinic = Clinic.objects.filter(Q(slug=name) | by_id).order_by("pk").first()
    if clinic is None:
        raise NotFound("There is no such clinic.")
    return clinic


def clinics_to_choose(slug: str = "") -> QuerySet[Clinic]:
    """By name; only one with the slug, if there is such a clinic."""
    named = Clinic.objects.filter(slug=slug)
    return named if slug and named.exists() else Clinic.objects.order_by("name", "id")
