from datetime import datetime

from clinic.common.instants import zone_of
from clinic.common.plain_names import shown_name
from clinic.outbox.models import Channel
from clinic.outbox.services import About, cancel_messages_by_key, queue_message
from clinic.outbox.ways import Way, Ways
from clinic.outbox.wording import say_when
from clinic.people.services.reaching import language_of, opted_out_among, ways_to_patient
from clinic.waitlist.models import WaitlistOffer


def tell_of_offer(offer: WaitlistOffer, *, asked_at: datetime) -> None:
    """Call in the offer's transaction. By SMS, or mail where no phone is known, at `asked_at`; and in the app, with an
    account, at once.

    Without the token: an answer comes from the patient's own number, from their account, or by a call.
    """
    patient, zone = offer.entry.patient, zone_of(offer.clinic.timezone)
    language = language_of(patient, offer.clinic)
    ways = ways_to_patient(patient, Ways.SMS_FIRST, clinic=offer.clinic, opted_out=opted_out_among([patient]))
    if patient.user is not None:
        ways.append(Way(Channel.IN_APP, patient.user.email))
    for way in ways:
        queue_message(
            about=About(clinic_id=offer.clinic_id, user_id=patient.user_id),
            channel=Channel(way.channel),
            template="waitlist_offer",
            recipient=way.recipient,
            fallback_recipient=way.fallback_recipient,
            send_at=None if way.channel == Channel.IN_APP else asked_at,
            context={
                "clinic": offer.clinic.name,
                "patient": shown_name(patient.name),
                "practitioner": offer.practitioner.name,
                "when": say_when(offer.starts_at, zone, language, region=offer.clinic.phone_region),
                "until": say_when(offer.expires_at, zone, language, region=offer.clinic.phone_region),
            },
            expires_at=offer.expires_at,
            unique_key=_key(offer, Channel(way.channel)),
            language=language,
        )


def take_back_offer(offer: WaitlistOffer) -> None:
    """Who has answered, or is not asked any more, is not told of it later."""
    cancel_messages_by_key([_key(offer, channel) for channel in Channel])


def _key(offer: WaitlistOffer, channel: Channel) -> str:
    return f"waitlist_offer:{offer.pk}:{channel.value}"
