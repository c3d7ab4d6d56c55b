"""Rows that older front ends name in their own way."""

from collections.abc import Collection

from shared_config.nearest import suggestion

from clinic.accounts.models import Role, User
from clinic.common.errors import Ambiguous, InvalidRequest
from clinic.people.identities import patient_id_of
from clinic.scheduling.models import Clinic, Service


def service_named(clinic: Clinic, name: object, *, attr: str) -> int:
    """One query. Raises InvalidRequest, which names the nearest service, and Ambiguous if several have that name."""
    services = dict(Service.objects.filter(clinic=clinic, active=True).values_list("pk", "name"))
    wanted = name.strip().casefold() if isinstance(name, str) else None
    found = [service_id for service_id, one in services.items() if one.casefold() == wanted]
    if not found:
        raise InvalidRequest(suggestion(str(name), services.values(), kind="service"), attr=attr)
    if len(found) > 1:
        raise Ambiguous("Several services have this name. Send `service`, its id.", attr=attr)
    return found[0]


def own_record_of(user: User | None, value: object, *, records: Collection[int] = (), attr: str) -> object:
    """A patient's own user id is read as the id of their record; anything else stays as it is.

    Raises Ambiguous if the number is also the id of another record that they book for."""
    own_id = patient_id_of(user) if user is not None and user.role == Role.PATIENT else None
    if user is None or own_id is None or str(value) != str(user.pk):
        return value
    if user.pk != own_id and user.pk in records:
        raise Ambiguous("This number is your account's and another person's record.", attr=attr)
    return own_id
