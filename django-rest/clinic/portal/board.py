"""Data of the board when it is opened; all changes come from the stream."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from clinic.accounts.models import Role, User
from clinic.appointments.lifecycle import CALL, TRANSITIONS, Action, Party, Status
from clinic.scheduling.models import Practitioner
from clinic.scheduling.queries.schedules import schedules_editable_by

Moment = Literal["any", "ahead", "on the day", "begun"]


@dataclass(frozen=True, slots=True)
class Button:
    """`moment`: when the lifecycle lets the clinic take the action. A test holds it to that."""

    label: str
    icon: str
    moment: Moment = "any"
    asks_reason: bool = False


def buttons() -> dict[Action, Button]:
    """In the order in which they stand on a card."""
    return {
        Action.CONFIRM: Button(_("Approve"), "check", "ahead"),
        Action.CHECK_IN: Button(_("Check in"), "arrive", "on the day"),
        Action.COMPLETE: Button(_("Complete"), "done", "begun"),
        Action.REOPEN: Button(_("Came after all"), "arrive", "on the day"),
        Action.NO_SHOW: Button(_("No-show"), "away", "begun"),
        Action.REJECT: Button(_("Reject"), "ban", asks_reason=True),
        Action.CANCEL: Button(pgettext("a visit", "Cancel"), "cross", asks_reason=True),
    }


def status_names() -> dict[Status, str]:
    return {
        Status.PENDING: _("Pending"),
        Status.CONFIRMED: _("Confirmed"),
        Status.CHECKED_IN: _("Here"),
        Status.COMPLETED: _("Completed"),
        Status.CANCELLED: _("Cancelled"),
        Status.REJECTED: _("Rejected"),
        Status.NO_SHOW: _("No-show"),
    }


def board_for(user: User) -> dict[str, Any]:
    """For somebody who works at a clinic, beside what the frame tells. One query."""
    return {
        "practitioners": columns_of(schedules_editable_by(user).order_by("name", "id")),
        "actions": actions_for_pages(),
        "inAdmin": reverse("admin:appointments_appointment_change", args=[0]) if may_use_admin(user) else None,
    }


def may_see_board(user: User) -> bool:
    return user.clinic is not None and user.role in (Role.OWNER, Role.STAFF, Role.PRACTITIONER)


def may_use_admin(user: User) -> bool:
    return user.is_staff and (user.is_superuser or user.works_at_desk)


def columns_of(practitioners: Iterable[Practitioner]) -> list[dict[str, Any]]:
    return [{"id": one.pk, "name": one.name, "specialisation": one.specialisation} for one in practitioners]


def actions_for_pages() -> list[dict[str, Any]]:
    """Steps as a page's scripts know them, and the call between check-in and the end."""
    steps = [_action(action, button) for action, button in buttons().items()]
    after = 1 + next(place for place, step in enumerate(steps) if step["name"] == Action.CHECK_IN)
    return [*steps[:after], _call(), *steps[after:]]


def _call() -> dict[str, Any]:
    """Changes no status."""
    return {
        "name": CALL,
        "from": sorted([Status.CONFIRMED, Status.CHECKED_IN]),
        "to": "",
        "moment": "here",
        "label": _("Call in"),
        "icon": "bell",
        "asksReason": False,
    }


def _action(action: Action, button: Button) -> dict[str, Any]:
    transition = TRANSITIONS[action]
    assert Party.STAFF in transition.parties
    return {
        "name": action,
        "from": sorted(transition.sources),
        "to": transition.target,
        "moment": button.moment,
        "label": button.label,
        "icon": button.icon,
        "asksReason": button.asks_reason,
    }
