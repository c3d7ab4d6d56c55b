from clinic.appointments.services.reaching import language_of, ways_to_patient
from clinic.common.instants import zone_of
from clinic.outbox.models import Channel
from clinic.outbox.services import About, queue_message
from clinic.outbox.ways import Way, Ways
from clinic.outbox.wording import say_when
from clinic.waitlist.models import WaitlistOffer


def tell_of_offer(offer: WaitlistOffer) -> None:
    """Call in the offer's transaction. By SMS, or mail where no phone is known; and in the app, with an account. It
    is urgent: it does not wait for the end of quiet hours.

    Without the token: where the offer is answered, the patient signs in or somebody knows their voice.
    """
    patient, zone = offer.entry.patient, zone_of(offer.clinic.timezone)
    language = language_of(patient, offer.clinic)
    ways = ways_to_patient(patient, Ways.SMS_FIRST)
    if patient.user is not None:
        ways.append(Way(Channel.IN_APP, patient.user.email))
    for way in ways:
        queue_message(
            about=About(clinic_id=offer.clinic_id, user_id=patient.user_id),
            channel=Channel(way.channel),
            template="waitlist_offer",
            recipient=way.recipient,
            fallback_recipient=way.fallback_recipient,
            context={
                "clinic": offer.clinic.name,
                "patient": patient.name,
                "practitioner": offer.practitioner.name,
                "when": say_when(offer.starts_at, zone, language),
                "until": say_when(offer.expires_at, zone, language),
            },
            expires_at=offer.expires_at,
            unique_key=f"waitlist_offer:{offer.pk}:{way.channel}",
            language=language,
        )
