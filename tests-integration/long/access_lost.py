"""Ways in which a person loses access, done as django-rest does them."""

import time
from collections.abc import Callable

from clinic.accounts.models import Role, User
from clinic.accounts.services import sign_out_everywhere
from clinic.people.services.staff import deactivate_staff, edit_staff
from django.db import transaction

from testkit.stream.clinic import Person, TestClinic

Way = Callable[[User, User, TestClinic], object]


def _deactivate(owner: User, member: User, _elsewhere: TestClinic) -> None:
    deactivate_staff(owner=owner, user_id=member.pk)


def _give_another_role(owner: User, member: User, _elsewhere: TestClinic) -> None:
    edit_staff(owner=owner, user_id=member.pk, changes={"role": Role.PRACTITIONER})


def _move(_owner: User, member: User, elsewhere: TestClinic) -> None:
    """No service does this; whoever administers the database can."""
    User.objects.filter(pk=member.pk).update(clinic=elsewhere.id)


def _sign_out(_owner: User, member: User, _elsewhere: TestClinic) -> None:
    sign_out_everywhere(user=member)


WAYS: dict[str, Way] = {
    "deactivated": _deactivate,
    "another role": _give_another_role,
    "another clinic": _move,
    "signed out everywhere": _sign_out,
}


def lose_access(way: Way, clinic: TestClinic, person: Person, elsewhere: TestClinic) -> float:
    """When it was about to be committed."""
    owner, member = User.objects.get(pk=clinic.owner.user_id), User.objects.get(pk=person.user_id)
    with transaction.atomic():
        way(owner, member, elsewhere)
        return time.monotonic()
