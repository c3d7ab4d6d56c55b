"""The owner's people: who works at the clinic, as what, and who does not any more.

Whatever changes what somebody may see ends their sessions; the feed then closes their streams.
"""

from typing import Any

from django.db.models import F, Q

from clinic.accounts.models import DESK_ROLES, Role, User
from clinic.accounts.passwords import INVITATION_HOLDS_FOR, RESET_HOLDS_FOR, send_password_link
from clinic.accounts.phones import NO_PHONE, phone_changes, phone_given
from clinic.accounts.queries import get_staff_for
from clinic.accounts.services import check_is_free, create_user, write_profile
from clinic.common import clock
from clinic.common.errors import ChairsideError, InvalidRequest
from clinic.common.transactions import in_one_transaction
from clinic.common.versions import ANY_VERSION, Expected, raise_versions, write_changes
from clinic.scheduling.models import Practitioner
from clinic.scheduling.queries.clinics import own_clinic_of

PROFILE = ("name", "email", "phone", "phone_extension")
# Roles that also work in the admin.


class LastOwner(ChairsideError):  # noqa: N818 - named as the user would say it
    code = "last_owner"
    status = 409
    detail = "A clinic keeps at least one owner. Make somebody else an owner first."


@in_one_transaction
def create_staff(*, owner: User, fields: dict[str, Any]) -> User:
    """`fields` are name, email, role, and may be phone, phone_extension, practitioner, password; without one, a
    mail invites to choose it. Raises InvalidRequest."""
    clinic = own_clinic_of(owner)
    role, now = Role(fields["role"]), clock.now()
    check_is_free(fields["email"])
    member = create_user(
        name=fields["name"],
        email=fields["email"],
        password=fields.get("password"),
        role=role,
        clinic=clinic,
        is_staff=role in DESK_ROLES,
        phone=phone_given(fields, region=clinic.phone_region) or NO_PHONE,
        now=now,
    )
    if fields.get("practitioner") is not None:
        _link(member, fields["practitioner"])
    if "password" not in fields:
        send_password_link(user=member, template="invitation", holds_for=INVITATION_HOLDS_FOR, now=now)
    return get_staff_for(owner, member.pk)


@in_one_transaction
def edit_staff(*, owner: User, user_id: int, changes: dict[str, Any], expected: Expected = ANY_VERSION) -> User:
    """`changes` may hold name, email, phone, phone_extension, role, practitioner, active. Raises NotFound,
    StaleVersion, PreconditionFailed, InvalidRequest, LastOwner."""
    member = _lock(owner, user_id)
    expected.check(member.version)
    role, active = Role(changes.get("role", member.role)), changes.get("active", member.is_active)
    _check_an_owner_stays(member, stays=role == Role.OWNER and active)
    profile = {name: changes[name] for name in PROFILE if name in changes}
    region = own_clinic_of(member).phone_region
    profile |= phone_changes(profile, known=member.shown_phone, region=region, none=None)
    if profile:
        if profile.get("email", member.shown_email) != member.shown_email:
            check_is_free(profile["email"])
        write_profile(member, profile, now=clock.now())
    if (role, active) != (member.role, member.is_active):
        User.objects.filter(pk=member.pk).update(
            role=role, is_active=active, is_staff=role in DESK_ROLES, token_version=F("token_version") + 1
        )
        member.role = role
    if "practitioner" in changes:
        _link(member, changes["practitioner"])
    if changes and not profile:
        raise_versions(User.objects.filter(pk=member.pk))
    return get_staff_for(owner, member.pk)


def send_link_again(*, owner: User, user_id: int) -> User:
    """A new invitation, or a mail to set another password for who has chosen one. Raises NotFound, InvalidRequest."""
    member = get_staff_for(owner, user_id)
    if not member.is_active:
        raise InvalidRequest("This person cannot sign in. Activate the account first.")
    is_invitation = not member.has_usable_password()
    send_password_link(
        user=member,
        template="invitation" if is_invitation else "password_reset",
        holds_for=INVITATION_HOLDS_FOR if is_invitation else RESET_HOLDS_FOR,
        now=clock.now(),
    )
    return member


def deactivate_staff(*, owner: User, user_id: int, expected: Expected = ANY_VERSION) -> None:
    """They cannot sign in any more; what they did stays theirs. Raises what `edit_staff` raises."""
    edit_staff(owner=owner, user_id=user_id, changes={"active": False}, expected=expected)


def _lock(owner: User, user_id: int) -> User:
    # The owners with the member, in the order of their ids: two owners who dismiss each other wait here.
    people = (
        User.objects.select_for_update()
        .filter(clinic=owner.clinic)
        .filter(Q(role=Role.OWNER) | Q(pk=get_staff_for(owner, user_id).pk))
    )
    list(people.order_by("pk").values_list("pk"))
    return get_staff_for(owner, user_id)


def _check_an_owner_stays(member: User, *, stays: bool) -> None:
    owners = User.objects.filter(clinic=member.clinic, role=Role.OWNER, is_active=True)
    if not stays and owners.filter(pk=member.pk).exists() and not owners.exclude(pk=member.pk).exists():
        raise LastOwner


def _link(member: User, practitioner_id: int | None) -> None:
    """One practitioner's schedule becomes this person's own; None ends it."""
    Practitioner.objects.filter(user=member).exclude(pk=practitioner_id or 0).update(
        user=None, version=F("version") + 1
    )
    if practitioner_id is None:
        return
    if member.role != Role.PRACTITIONER:
        raise InvalidRequest("Only a practitioner's account has a schedule of its own.", attr="practitioner")
    found = Practitioner.objects.select_for_update().filter(clinic=member.clinic, pk=practitioner_id).first()
    if found is None:
        raise InvalidRequest("There is no such practitioner.", attr="practitioner")
    if found.user_id not in (None, member.pk):
        raise InvalidRequest("This practitioner has an account already.", attr="practitioner")
    write_changes(found, {"user": member})
