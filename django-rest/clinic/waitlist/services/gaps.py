from datetime import datetime

from clinic.accounts.models import User
from clinic.appointments.models import ActorKind, AppointmentEvent, Channel
from clinic.common.errors import InvalidRequest, NotFound
from clinic.common.instants import local_date_of, zone_of
from clinic.common.transactions import in_one_transaction, transaction_token
from clinic.people.identities import NOBODY
from clinic.scheduling.models import WaitlistMode
from clinic.scheduling.queries.practitioners import get_practitioner
from clinic.scheduling.working_hours import Interval
from clinic.waitlist.matching import Freed
from clinic.waitlist.models import OfferState, WaitlistOffer
from clinic.waitlist.services.offering import FreedTime, offer_time


@in_one_transaction
def offer_gap(*, user: User, practitioner_id: int, gap: Interval, now: datetime) -> tuple[int, int]:
    """Offer free time to whoever waits for it, as if it had just become free. How many are asked, and how many are
    booked at once. Raises NotFound, InvalidRequest (the clinic offers nothing, or it is past)."""
    clinic = user.clinic
    if clinic is None:
        raise NotFound("There is no such clinic.")
    practitioner = get_practitioner(clinic, practitioner_id)
    if clinic.waitlist_mode != WaitlistMode.OFFER:
        raise InvalidRequest("The clinic offers no freed time. Switch the waitlist on in the settings.")
    if gap.end <= now:
        raise InvalidRequest("This time is past.", attr="end")
    freed = Freed(gap, gap.start, local_date_of(gap.start, zone_of(clinic.timezone)))
    offers = WaitlistOffer.objects.filter(
        practitioner=practitioner, state=OfferState.OPEN, starts_at__lt=gap.end, ends_at__gt=gap.start
    )
    before = set(offers.values_list("pk", flat=True))
    offer_time(FreedTime(clinic, practitioner.pk, freed, given_back_by=NOBODY), channel=Channel.API, now=now)
    asked = len(set(offers.values_list("pk", flat=True)) - before)
    booked = AppointmentEvent.objects.filter(step=transaction_token(), actor_kind=ActorKind.WAITLIST).count()
    return asked, booked
