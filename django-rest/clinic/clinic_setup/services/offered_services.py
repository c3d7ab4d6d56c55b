"""The owner makes and changes services, and links them to the practitioners who offer them."""

from collections.abc import Collection
from typing import Any

from clinic.accounts.models import User
from clinic.common.errors import InvalidRequest
from clinic.common.transactions import in_one_transaction
from clinic.common.versions import ANY_VERSION, Expected, raise_versions, write_changes
from clinic.scheduling.models import Practitioner, Service
from clinic.scheduling.queries.clinics import own_clinic_of
from clinic.scheduling.queries.practitioners import get_service_for_owner


@in_one_transaction
def create_service(*, owner: User, fields: dict[str, Any]) -> Service:
    """`fields` may name `practitioners` by id. Raises InvalidRequest for one that is not of this clinic."""
    fields = dict(fields)
    practitioner_ids = fields.pop("practitioners", [])
    service = Service.objects.create(clinic=own_clinic_of(owner), **fields)
    link_both(service.practitioners, Practitioner, _practitioners_named(owner, practitioner_ids))
    return service


@in_one_transaction
def edit_service(*, owner: User, service_id: int, changes: dict[str, Any], expected: Expected = ANY_VERSION) -> Service:
    """Appointments keep the length they were booked with. Raises NotFound, StaleVersion, PreconditionFailed,
    InvalidRequest."""
    changes = dict(changes)
    practitioner_ids = changes.pop("practitioners", None)
    if practitioner_ids is not None:  # Before the service: whoever changes a practitioner takes the two in this order.
        list(Practitioner.objects.select_for_update().filter(clinic=owner.clinic).order_by("pk").values_list("pk"))
    service = get_service_for_owner(owner, service_id, lock=True)
    expected.check(service.version)
    write_changes(service, changes, touched=practitioner_ids is not None)
    if practitioner_ids is not None:
        link_both(service.practitioners, Practitioner, _practitioners_named(owner, practitioner_ids))
    return service


def link_both(linked: Any, model: type[Practitioner | Service], wanted: Collection[Practitioner | Service]) -> None:
    """Set who offers what. The rows of the other side show it too: those that come or go get a new version."""
    former = set(linked.values_list("pk", flat=True))
    linked.set(wanted)
    raise_versions(model._default_manager.filter(pk__in=former ^ {row.pk for row in wanted}))


def _practitioners_named(owner: User, practitioner_ids: Collection[int]) -> list[Practitioner]:
    found = list(Practitioner.objects.filter(clinic=owner.clinic, active=True, pk__in=practitioner_ids))
    refuse_unknown(practitioner_ids, found, attr="practitioners")
    return found


def refuse_unknown(ids: Collection[int], found: Collection[Practitioner | Service], *, attr: str) -> None:
    unknown = sorted(set(ids) - {row.pk for row in found})
    if unknown:
        raise InvalidRequest(f"There is no such row here: {', '.join(map(str, unknown))}.", attr=attr)
