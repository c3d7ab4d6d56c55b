from datetime import datetime

from clinic.common.instants import zone_of
from clinic.common.plain_names import shown_name
from clinic.common.public_links import offer_address
from clinic.outbox.contact_routes import Way, Ways
from clinic.outbox.models import DeliveryChannel, MessageKind
from clinic.outbox.push_subscriptions import subscribers
from clinic.outbox.services import About, NewMessage, queue_message, withdraw_of_offer
from clinic.outbox.wording import say_when
from clinic.people.services.contact_routes import (
    account_id_of,
    contact_of,
    language_of,
    opted_out_among,
    ways_to_patient,
)
from clinic.scheduling.models import clock_of
from clinic.waitlist.models import WaitlistOffer


def tell_of_offer(offer: WaitlistOffer, *, asked_at: datetime) -> None:
    """Call in the offer's transaction. By SMS, or mail where no phone is known, at `asked_at`; and in the app, with an
    account, when the time can no longer be undone.

    With the address of the page that takes the answer; an answer also comes by SMS, from the account, or by a call.
    """
    patient, zone = offer.entry.patient, zone_of(offer.clinic.timezone)
    language = language_of(patient, offer.clinic)
    ways = ways_to_patient(patient, Ways.SMS_FIRST, clinic=offer.clinic, opted_out=opted_out_among([patient]))
    account_id = account_id_of(patient)
    if account_id is not None:
        ways.append(Way(DeliveryChannel.IN_APP, contact_of(patient).email))
    in_app_at = None if offer.told_at == offer.created_at else offer.told_at
    for way in ways:
        queue_message(
            NewMessage(
                about=About(clinic_id=offer.clinic_id, user_id=account_id, offer_id=offer.pk),
                kind=MessageKind.OFFER,
                channel=DeliveryChannel(way.channel),
                template="waitlist_offer",
                recipient=way.recipient,
                fallback_recipient=way.fallback_recipient,
                send_at=in_app_at if way.channel == DeliveryChannel.IN_APP else asked_at,
                context={
                    "clinic": offer.clinic.name,
                    "patient": shown_name(patient.name),
                    "practitioner": offer.practitioner.name,
                    "when": say_when(offer.starts_at, zone, language, **clock_of(offer.clinic)),
                    "link": offer_address(offer.token),
                    "until": say_when(offer.expires_at, zone, language, **clock_of(offer.clinic)),
                },
                expires_at=offer.expires_at,
                unique_key=f"waitlist_offer:{offer.pk}:{way.channel}",
                language=language,
            )
        )

    _push(offer, account_id, language, asked_at=asked_at)


def _push(offer: WaitlistOffer, account_id: int | None, language: str, *, asked_at: datetime) -> None:
    """To the account's browsers."""
    for subscription in subscribers(user_ids=[account_id], appointment_ids=[]) if account_id is not None else ():
        queue_message(
            NewMessage(
                about=About(clinic_id=offer.clinic_id, user_id=account_id, offer_id=offer.pk),
                kind=MessageKind.OFFER,
                channel=DeliveryChannel.PUSH,
                template="push_offer",
                recipient=str(subscription.pk),
                send_at=asked_at,
                context={"clinic": offer.clinic.name},
                expires_at=offer.expires_at,
                unique_key=f"push_offer:{offer.pk}:{subscription.pk}",
                language=language,
            )
        )


def take_back_offer(offer: WaitlistOffer) -> None:
    """An entry that has answered, or is not asked any more, is not told of it later."""
    withdraw_of_offer(offer.pk)
