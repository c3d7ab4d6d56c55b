from clinic.common.instants import zone_of
from clinic.outbox.models import Channel
from clinic.outbox.services import About, queue_message
from clinic.waitlist.models import WaitlistOffer


def tell_of_offer(offer: WaitlistOffer) -> None:
    """Call in the offer's transaction. By SMS, or mail where no phone is known; and in the app, with an account.

    Without the token: where the offer is answered, the patient signs in or somebody knows their voice.
    """
    patient, zone = offer.entry.patient, zone_of(offer.clinic.timezone)
    ways = {Channel.SMS: patient.phone} if patient.phone else {Channel.EMAIL: patient.email}
    if patient.user is not None:
        ways[Channel.IN_APP] = patient.user.email
    for channel, recipient in ways.items():
        if recipient:
            queue_message(
                about=About(clinic_id=offer.clinic_id, user_id=patient.user_id),
                channel=channel,
                template="waitlist_offer",
                recipient=recipient,
                context={
                    "clinic": offer.clinic.name,
                    "patient": patient.name,
                    "practitioner": offer.practitioner.name,
                    "when": f"{offer.starts_at.astimezone(zone):%a %d %b, %H:%M}",
                    "until": f"{offer.expires_at.astimezone(zone):%a %H:%M}",
                },
                expires_at=offer.expires_at,
                unique_key=f"waitlist_offer:{offer.pk}:{channel}",
            )
