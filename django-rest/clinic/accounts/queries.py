from django.db.models import QuerySet

from clinic.accounts.models import CLINIC_ROLES, Role, User, normalise_email
from clinic.common.errors import NotFound


def get_session_user(*, user_id: int, token_version: int) -> User | None:
    """The user of a token, with clinic, practitioner and patient. One query. None when the session has ended."""
    return (
        User.objects.select_related("clinic", "practitioner", "patient")
        .filter(pk=user_id, token_version=token_version, is_active=True)
        .first()
    )


def staff_visible_to(user: User) -> QuerySet[User]:
    """The owner: everybody who works at the clinic, also who did."""
    people = User.objects.select_related("clinic", "practitioner", "patient")
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
    """By e-mail, or by phone in E.164."""
    lookup = {"email": normalise_email(username)} if "@" in username else {"phone": username}
    return User.objects.select_related("clinic", "practitioner", "patient").filter(**lookup).first()
