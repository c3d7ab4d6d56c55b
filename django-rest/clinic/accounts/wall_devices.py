"""Screens on a wall: created and revoked by the owner. The token is shown once, and kept as a hash."""

from datetime import datetime

from django.db.models import F, Q, QuerySet

from clinic.accounts.link_tokens import hash_token, new_token
from clinic.accounts.models import DeviceKind, User, WallDevice
from clinic.accounts.sign_ins import SEEN_EVERY
from clinic.common.errors import InvalidRequest, NotFound
from clinic.common.transactions import in_one_transaction

MAX_DEVICES = 50


def _clinic_id_of(owner: User) -> int:
    if owner.clinic_id is None:
        raise NotFound("There is no such clinic.")
    return owner.clinic_id


def devices_of(owner: User) -> QuerySet[WallDevice]:
    """Those that may look, in the order of their making."""
    return WallDevice.objects.filter(clinic_id=_clinic_id_of(owner), revoked_at__isnull=True).order_by("pk")


@in_one_transaction
def create_device(
    *, owner: User, name: str, kind: str, now: datetime, shows_names: bool = True
) -> tuple[WallDevice, str]:
    """With its token, which is nowhere else. Raises InvalidRequest, NotFound."""
    if devices_of(owner).count() >= MAX_DEVICES:
        raise InvalidRequest("There are as many walls as a clinic can have. Revoke one first.", attr="name")
    token = new_token()
    device = WallDevice.objects.create(
        clinic_id=_clinic_id_of(owner),
        name=name,
        kind=kind,
        shows_names=shows_names or kind == DeviceKind.TEAM,
        token_hash=hash_token(token),
        created_by=owner,
        created_at=now,
    )
    return device, token


@in_one_transaction
def revoke_device(*, owner: User, device_id: int, now: datetime) -> None:
    """Its stream ends within a second. Raises NotFound."""
    revoked = devices_of(owner).filter(pk=device_id).update(revoked_at=now, version=F("version") + 1)
    if not revoked:
        raise NotFound("There is no such wall.")


def device_with_token(token: str) -> WallDevice:
    """With its clinic. One query. Raises NotFound."""
    device = (
        WallDevice.objects.filter(token_hash=hash_token(token), revoked_at__isnull=True)
        .select_related("clinic")
        .first()
    )
    if device is None:
        raise NotFound("There is no such wall.")
    return device


@in_one_transaction
def note_seen(device: WallDevice, *, now: datetime) -> None:
    """At most once a minute."""
    unseen = Q(seen_at__isnull=True) | Q(seen_at__lt=now - SEEN_EVERY)
    WallDevice.objects.filter(unseen, pk=device.pk).update(seen_at=now)
