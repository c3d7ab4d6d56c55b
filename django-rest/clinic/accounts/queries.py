from typing import Any

from django.db.models import ForeignKey, QuerySet

from clinic.accounts.models import CLINIC_ROLES, Role, User, normalise_email
from clinic.accounts.phones import normalise_phone
from clinic.common.errors import InvalidRequest, NotFound


def get_session_user(*, user_id: int, token_version: int) -> User | None:
    """The user of a token, with clinic, practitioner and patient. One query. None when the session has ended."""
    with_records = User.objects.select_related("clinic", "practitioner", "patient")
    try:
        return with_records.get(pk=user_id, token_version=token_version, is_active=True)
    except User.DoesNotExist:
        return None


def get_account(user: User) -> User:
    """The user's own, as it stands now."""
    return User.objects.select_related("clinic", "practitioner", "patient").get(pk=user.pk)


def staff_visible_to(user: User) -> QuerySet[User]:
    """The owner: everybody who works at the clinic, also who did."""
    people = User.objects.select_related("clinic", "practitioner", "patient").prefetch_related("claims")
    if user.role != Role.OWNER:
        return people.none()
    return people.filter(clinic=user.clinic, role__in=CLINIC_ROLES).order_by("name", "id")


def get_staff_for(user: User, user_id: int) -> User:
    """Raises NotFound."""
    member = staff_visible_to(user).filter(pk=user_id).first()
    if member is None:
        raise NotFound("There is no such person at the clinic.")
    return member


def find_user_by_sign_in(username: str) -> User | None:
    """By verified e-mail, or by a phone that exactly one account has verified: without a country code, as it is dialled
    at the user's clinic."""
    users = User.objects.select_related("clinic", "practitioner", "patient")
    if "@" in username:
        return users.filter(email=normalise_email(username)).first()
    users = users.filter(phone_verified_at__isnull=False, phone_extension="")
    if username.startswith("+"):
        owners = list(users.filter(phone=username)[:2])
        return owners[0] if len(owners) == 1 else None
    meant = {region: _phone_in(region, username) for region in _phone_regions()}
    found = users.filter(phone__in=[phone for phone in meant.values() if phone])
    # The same digits may be somebody's in each of two countries: then only the country code tells who it is.
    named = [user for user in found if user.clinic is not None and meant[user.clinic.phone_region] == user.phone]
    return named[0] if len(named) == 1 else None


def _phone_regions() -> list[str]:
    clinic: ForeignKey[Any, Any] = User._meta.get_field("clinic")
    regions: QuerySet[Any, str] = clinic.related_model._default_manager.values_list("phone_region", flat=True)
    return list(regions.distinct())


def _phone_in(region: str, text: str) -> str | None:
    try:
        return normalise_phone(text, region=region)
    except InvalidRequest:
        return None
