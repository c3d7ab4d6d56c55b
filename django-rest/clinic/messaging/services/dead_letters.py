"""What could not be delivered is told to the desk: somebody can call the patient."""

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from clinic.accounts.models import Role, User
from clinic.common.transactions import in_one_transaction
from clinic.outbox.models import Channel, Message, State
from clinic.outbox.services import About, compose_message, queue_messages
from clinic.scheduling.models import Clinic

# What is older nobody can do anything about.
LOOK_BACK = timedelta(days=3)
AT_ONCE = 500
MOST_NAMED = 5


def report_dead_letters(*, now: datetime) -> int:
    """One notification for all that a clinic has not been told of yet. Returns how many messages they tell of."""
    return sum(_report(clinic, now=now) for clinic in Clinic.objects.all())


@in_one_transaction
def _report(clinic: Clinic, *, now: datetime) -> int:
    dead = list(_untold(clinic, now=now).select_for_update(skip_locked=True).order_by("pk")[:AT_ONCE])
    if not dead:
        return 0
    Message.objects.filter(pk__in=[message.pk for message in dead]).update(reported_at=now)
    context = {"count": len(dead), "all": dead[:MOST_NAMED]}
    desk = User.objects.filter(clinic=clinic, role__in=(Role.OWNER, Role.STAFF), is_active=True).order_by("pk")
    queue_messages(
        [
            compose_message(
                about=About(clinic.pk, reader.pk, dead[0].appointment_id if len(dead) == 1 else None),
                channel=Channel.IN_APP,
                template="dead_letter",
                recipient=reader.email,
                context=context,
                now=now,
                unique_key=f"dead_letter:{dead[0].pk}:{reader.pk}",
                language=clinic.language,
            )
            for reader in desk
        ]
    )
    return len(dead)


def _untold(clinic: Clinic, *, now: datetime) -> QuerySet[Message]:
    """A code that did not come is asked for again; an SMS that a mail has taken the place of was told."""
    ended = Message.objects.filter(
        clinic=clinic, state__in=(State.DEAD, State.FAILED), created_at__gte=now - LOOK_BACK, reported_at=None
    )
    return ended.exclude(channel=Channel.IN_APP).exclude(secret=True, channel=Channel.SMS).exclude(_was_replaced())


def _was_replaced() -> Q:
    return Q(state=State.FAILED, channel=Channel.SMS) & ~Q(fallback_recipient="")
