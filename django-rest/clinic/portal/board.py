"""What the board is told when it is opened; all that changes comes from the stream."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from clinic.accounts.models import Role, User
from clinic.appointments.lifecycle import TRANSITIONS, Action, Party, Status
from clinic.common.instants import say_instant, zone_of
from clinic.outbox.wording import uses_twelve_hours
from clinic.scheduling.models import Practitioner
from clinic.scheduling.queries import schedules_editable_by

Moment = Literal["any", "on the day", "begun"]


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
        Action.CONFIRM: Button(_("Approve"), "check"),
        Action.CHECK_IN: Button(_("Check in"), "arrive", "on the day"),
        Action.COMPLETE: Button(_("Complete"), "done", "begun"),
        Action.REOPEN: Button(_("Came after all"), "arrive", "on the day"),
        Action.NO_SHOW: Button(_("No-show"), "away", "begun"),
        Action.REJECT: Button(_("Reject"), "ban", asks_reason=True),
        Action.CANCEL: Button(_("Cancel"), "cross", asks_reason=True),
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


def board_for(user: User, *, now: datetime) -> dict[str, Any]:
    """For somebody who works at a clinic. One query."""
    assert user.clinic is not None
    zone = zone_of(user.clinic.timezone)
    return {
        "clinic": {
            "name": user.clinic.name,
            "timezone": user.clinic.timezone,
            "twelveHours": uses_twelve_hours(user.clinic.phone_region, zone),
        },
        "now": say_instant(now, zone),
        "practitioners": [_column(practitioner) for practitioner in schedules_editable_by(user).order_by("name", "id")],
        "statuses": status_names(),
        "actions": [_action(action, button) for action, button in buttons().items()],
        "stream": settings.SHARED.stream_url or "",
        "heartbeatSeconds": settings.SHARED.sse_heartbeat_seconds,
        "token": reverse("board-token"),
        "signIn": reverse("sign-in"),
        "inAdmin": reverse("admin:appointments_appointment_change", args=[0]) if may_use_admin(user) else None,
    }


def may_see_board(user: User) -> bool:
    return user.clinic is not None and user.role in (Role.OWNER, Role.STAFF, Role.PRACTITIONER)


def may_use_admin(user: User) -> bool:
    return user.is_staff and (user.is_superuser or user.works_at_desk)


def _column(practitioner: Practitioner) -> dict[str, Any]:
    return {"id": practitioner.pk, "name": practitioner.name, "specialisation": practitioner.specialisation}


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
