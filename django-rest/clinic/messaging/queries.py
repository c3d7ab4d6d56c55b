"""Visible notifications, and messages of the clinic's log, by viewer."""

from collections.abc import Collection
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from clinic.accounts.models import Role, User
from clinic.appointments.lifecycle import Status
from clinic.appointments.models import Appointment
from clinic.common.errors import NotFound
from clinic.common.instants import zone_of
from clinic.messaging.models import InboundMessage
from clinic.outbox.models import DeliveryChannel, Message, MessageKind, MessageState
from clinic.people.identities import clinic_id_of
from clinic.people.models import FamilyMember, Patient
from clinic.scheduling.models import Clinic
from clinic.waitlist.models import OfferState, WaitlistOffer

ANSWERED_LATE = timedelta(hours=12)


def zone_for(user: User) -> ZoneInfo:
    """The clinic's; UTC for who belongs to none."""
    return zone_of(user.clinic.timezone if user.clinic is not None else "UTC")


def notifications_visible_to(user: User) -> QuerySet[Message]:
    """Their own, the newest first. What another clinic told them, which they have left, stays there."""
    own = Message.objects.filter(user=user, channel=DeliveryChannel.IN_APP, state=MessageState.DELIVERED)
    return own.filter(clinic=user.clinic).order_by("-sent_at", "-id")


def get_notification_for(user: User, notification_id: int, *, lock: bool = False) -> Message:
    """Raises NotFound."""
    notifications = notifications_visible_to(user)
    notifications = notifications.select_for_update() if lock else notifications
    notification = notifications.filter(pk=notification_id).first()
    if notification is None:
        raise NotFound("There is no such notification.")
    return notification


def unread_count_of(user: User) -> int:
    return notifications_visible_to(user).filter(read_at__isnull=True).count()


def messages_visible_to(user: User) -> QuerySet[Message]:
    """Owner and staff: all that their clinic has told anybody."""
    messages = Message.objects.order_by("-created_at", "-id")
    return messages.filter(clinic_id=clinic_id_of(user)) if user.works_at_desk else messages.none()


def get_message_for(user: User, message_id: int) -> Message:
    """Raises NotFound."""
    message = messages_visible_to(user).filter(pk=message_id).first()
    if message is None:
        raise NotFound("There is no such message.")
    return message


def received_visible_to(user: User) -> QuerySet[InboundMessage]:
    """Owner and staff: each SMS that patients of their clinic have written. The newest first."""
    received = InboundMessage.objects.select_related("settled_by").order_by("-received_at", "-id")
    return received.filter(clinic_id=clinic_id_of(user)) if user.works_at_desk else received.none()


def waiting_for_desk(user: User) -> QuerySet[InboundMessage]:
    """Those that a person has to read, and nobody has answered or put aside."""
    return received_visible_to(user).filter(for_desk=True, settled_at__isnull=True)


def get_received_for(user: User, received_id: int, *, lock: bool = False) -> InboundMessage:
    """Raises NotFound."""
    received = received_visible_to(user)
    found = (received.select_related(None).select_for_update() if lock else received).filter(pk=received_id).first()
    if found is None:
        raise NotFound("There is no such SMS.")
    return found


def appointment_of_sender(phones: Collection[str], appointment_id: int) -> Appointment | None:
    """Of a patient with one of these numbers (E.164), of whichever clinic; with clinic, patient and practitioner."""
    return _of_sender(phones).filter(pk=appointment_id).first()


def upcoming_of_sender(phones: Collection[str], *, now: datetime, most: int) -> list[Appointment]:
    """Appointments that can be confirmed or cancelled, in order; as `appointment_of_sender`."""
    ahead = _of_sender(phones).filter(status__in=[Status.PENDING, Status.CONFIRMED], starts_at__gt=now)
    return list(ahead.order_by("starts_at", "id")[:most])


def offers_to_sender(phones: Collection[str], *, now: datetime) -> list[WaitlistOffer]:
    """The open offers to patients with these numbers, the oldest first."""
    offers = _offers_to_sender(phones).filter(state=OfferState.OPEN, expires_at__gt=now)
    return list(offers.order_by("created_at", "id"))


def missed_an_offer(phones: Collection[str], *, now: datetime) -> bool:
    """Whether an offer to this number has ended lately without an answer: a late answer may be about it."""
    over = Q(state=OfferState.WITHDRAWN) | Q(expires_at__lte=now)
    unanswered = _offers_to_sender(phones).exclude(state__in=[OfferState.ACCEPTED, OfferState.DECLINED])
    return unanswered.filter(over, expires_at__gt=now - ANSWERED_LATE).exists()


def patients_of_sender(phones: Collection[str]) -> list[Patient]:
    """Those who are reached by one of these numbers (E.164), of whichever clinic, with it: first whose visit is the
    latest."""
    patients = list(Patient.objects.filter(pk__in=_ids_of_sender(phones)).select_related("clinic"))
    if len(patients) > 1:
        latest = _of_sender(phones).order_by("-starts_at", "-id").values_list("patient_id", flat=True).first()
        patients.sort(key=lambda patient: (patient.pk != latest, patient.pk))
    return patients


def desk_of(clinic: Clinic) -> QuerySet[User]:
    """Owner and staff."""
    return User.objects.filter(clinic=clinic, role__in=(Role.OWNER, Role.STAFF), is_active=True).order_by("pk")


def is_still_offered(message: Message, *, now: datetime) -> bool:
    """Of what the waitlist offers: whether it can still be answered. True of anything else."""
    if message.kind != MessageKind.OFFER:
        return True
    open_offers = WaitlistOffer.objects.filter(state=OfferState.OPEN, expires_at__gt=now)
    return message.offer_id is not None and open_offers.filter(pk=message.offer_id).exists()


def _all_clinics() -> list[int]:
    # By clinic and phone, as patients are indexed.
    return list(Clinic.objects.values_list("pk", flat=True))


def _ids_of_sender(phones: Collection[str]) -> list[int]:
    """Also of a family's records without contact data of their own. Three queries."""
    patients = Patient.objects.filter(clinic_id__in=_all_clinics(), phone__in=phones)
    ids = list(patients.values_list("pk", flat=True))
    family = FamilyMember.objects.filter(
        user__patient__in=ids, patient__phone="", patient__email="", patient__user__isnull=True
    )
    return sorted({*ids, *family.values_list("patient_id", flat=True)})


def _of_sender(phones: Collection[str]) -> QuerySet[Appointment]:
    appointments = Appointment.objects.select_related("clinic", "patient__clinic", "practitioner")
    return appointments.filter(patient_id__in=_ids_of_sender(phones))


def _offers_to_sender(phones: Collection[str]) -> QuerySet[WaitlistOffer]:
    offers = WaitlistOffer.objects.select_related("clinic", "practitioner", "entry__patient__clinic")
    return offers.filter(entry__patient_id__in=_ids_of_sender(phones))
