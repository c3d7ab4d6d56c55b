"""Browsers that want web push: who may tell them what."""

from collections.abc import Collection
from datetime import datetime
from hashlib import sha256

from django.conf import settings
from django.db.models import Q, QuerySet

from clinic.common.errors import ChairsideError, InvalidRequest, NotFound
from clinic.common.transactions import in_one_statement, in_one_transaction
from clinic.outbox.channels.push import NotAPushAddress, check_address
from clinic.outbox.models import PushSubscription
from clinic.outbox.push_keys import public_key_of

MAX_SUBSCRIPTIONS = 10


class PushNotOffered(ChairsideError):  # noqa: N818 - named as the user would say it
    code = "push_not_offered"
    status = 409
    detail = "There is no web push here."


def offered_key() -> str | None:
    """For a browser's `applicationServerKey`; None: there is no web push here."""
    secret = settings.SHARED.vapid_secret
    return None if secret is None else public_key_of(secret.get_secret_value())


def subscriptions_of(*, user_id: int | None = None, appointment_id: int | None = None) -> QuerySet[PushSubscription]:
    if user_id is not None:
        return PushSubscription.objects.filter(user_id=user_id, appointment=None)
    if appointment_id is None:
        raise ValueError("A subscription belongs to a user or to a visit.")
    return PushSubscription.objects.filter(user=None, appointment_id=appointment_id)


@in_one_transaction
def subscribe(
    *,
    endpoint: str,
    p256dh: str,
    auth: str,
    now: datetime,
    device: str = "",
    sign_in: str = "",
    user_id: int | None = None,
    appointment_id: int | None = None,
) -> PushSubscription:
    """The same browser again renews its keys. Of more than ten the oldest end. Raises PushNotOffered, InvalidRequest
    for an address that is not a push service's."""
    if settings.SHARED.vapid_secret is None:
        raise PushNotOffered
    try:
        check_address(endpoint)
    except NotAPushAddress as refusal:
        raise InvalidRequest(str(refusal), attr="endpoint") from None
    whose = f"user {user_id}" if user_id is not None else f"appointment {appointment_id}"
    kept, _ = PushSubscription.objects.update_or_create(
        unique_hash=sha256(f"{whose} {endpoint}".encode()).hexdigest(),
        defaults={"p256dh": p256dh, "auth": auth, "device": device, "sign_in": sign_in},
        create_defaults={
            "endpoint": endpoint,
            "p256dh": p256dh,
            "auth": auth,
            "device": device,
            "sign_in": sign_in,
            "user_id": user_id,
            "appointment_id": appointment_id,
            "created_at": now,
        },
    )
    theirs = subscriptions_of(user_id=user_id, appointment_id=appointment_id).order_by("-pk")
    newest = list(theirs.values_list("pk", flat=True)[:MAX_SUBSCRIPTIONS])
    theirs.order_by().exclude(pk__in=newest).delete()
    return kept


def unsubscribe(subscription_id: int, *, user_id: int | None = None, appointment_id: int | None = None) -> None:
    """Raises NotFound."""
    theirs = subscriptions_of(user_id=user_id, appointment_id=appointment_id)
    if not theirs.filter(pk=subscription_id).delete()[0]:
        raise NotFound("There is no such subscription.")


def subscribers(*, user_ids: Collection[int], appointment_ids: Collection[int]) -> list[PushSubscription]:
    """Browsers of these accounts and visits. One query, none without web push or where there are none."""
    if settings.SHARED.vapid_secret is None or not (user_ids or appointment_ids):
        return []
    return list(PushSubscription.objects.filter(Q(user_id__in=user_ids) | Q(appointment_id__in=appointment_ids)))


@in_one_statement
def forget_browsers(
    *, sign_in: str | None = None, user_id: int | None = None, appointment_id: int | None = None
) -> None:
    """Of one sign-in, of all of an account, or of those that subscribed by the link of a visit."""
    if sign_in:
        PushSubscription.objects.filter(sign_in=sign_in).delete()
    if user_id is not None:
        PushSubscription.objects.filter(user_id=user_id).delete()
    if appointment_id is not None:
        subscriptions_of(appointment_id=appointment_id).delete()
