"""Mails to the owner of an account about it."""

from collections.abc import Mapping
from datetime import datetime

from clinic.accounts.models import PasswordToken, User
from clinic.common import clock
from clinic.common.plain_names import shown_name
from clinic.outbox.models import DeliveryChannel, MessageKind
from clinic.outbox.services import About, NewMessage, queue_message

NOTHING: Mapping[str, object] = {}


def mail_account(
    user: User,
    template: str,
    context: Mapping[str, object] = NOTHING,
    *,
    recipient: str | None = None,
    secret: bool = False,
    expires_at: datetime | None = None,
) -> None:
    """To the account's own address, if no other is given; to nobody without a verified one. Call inside the transaction
    of what it tells."""
    recipient = recipient or user.email
    if not recipient:
        return
    queue_message(
        NewMessage(
            about=About(clinic_id=user.clinic_id, user_id=user.pk),
            kind=MessageKind.ACCOUNT,
            channel=DeliveryChannel.EMAIL,
            template=template,
            recipient=recipient,
            context={
                "name": shown_name(user.name),
                "clinic": user.clinic.name if user.clinic else "Chairside",
                **context,
            },
            secret=secret,
            expires_at=expires_at,
            language=_language_of(user),
        )
    )


def end_password_links(user: User) -> None:
    """Those that were sent work no more: the password was changed, or the account reads its mail elsewhere."""
    PasswordToken.objects.filter(user=user, used_at=None).update(used_at=clock.now())


def _language_of(user: User) -> str:
    """The user's own language, else the clinic's. An administrator of no clinic reads English."""
    chosen: str = getattr(getattr(user, "patient", None), "language", "")
    return chosen or (user.clinic.language if user.clinic else "en")
