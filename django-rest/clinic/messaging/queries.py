"""Who may see which notification, and which message of the clinic's log."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from clinic.accounts.models import Role, User
from clinic.appointments.lifecycle import Status
from clinic.appointments.models import Appointment
from clinic.common.errors import NotFound
from clinic.common.instants import zone_of
from clinic.outbox.models import Channel, Message, State
from clinic.people.identities import clinic_id_of
from clinic.people.models import Patient
from clinic.people.queries import patients_visible_to
from clinic.scheduling.models import Clinic
from clinic.waitlist.models import OfferState, WaitlistOffer

ANSWERED_LATE = timedelta(hours=12)


def zone_for(user: User) -> ZoneInfo:
    """The clinic's; UTC for who belongs to none."""
    return zone_of(user.clinic.timezone if user.clinic is not None else "UTC")


def notifications_visible_to(user: User) -> QuerySet[Message]:
    """Their own, the newest first. What another clinic told them, which they have left, stays there."""
    own = Message.objects.filter(user=user, channel=Channel.IN_APP, state=State.DELIVERED)
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


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """Dates are the clinic's, of the writing, and included. `recipient` is the whole address or phone."""

    channel: Channel | None = None
    states: tuple[State, ...] = ()
    appointment_id: int | None = None
    patient_id: int | None = None
    recipient: str = ""
    first_date: date | None = None
    last_date: date | None = None


def messages_visible_to(user: User) -> QuerySet[Message]:
    """Owner and staff: all that their clinic has told anybody."""
    messages = Message.objects.order_by("-created_at", "-id")
    return messages.filter(clinic_id=clinic_id_of(user)) if user.works_at_desk else messages.none()


def list_messages(user: User, wanted: MessageFilter) -> QuerySet[Message]:
    """One query, two more to find out what is a patient's."""
    conditions = {
        "channel": wanted.channel,
        "state__in": wanted.states or None,
        "appointment_id": wanted.appointment_id,
        "recipient": wanted.recipient or None,
        "created_at__gte": wanted.first_date and _start_of(wanted.first_date, zone_for(user)),
        "created_at__lt": wanted.last_date and _start_of(wanted.last_date + timedelta(days=1), zone_for(user)),
    }
    messages = messages_visible_to(user).filter(**{name: value for name, value in conditions.items() if value})
    return messages if wanted.patient_id is None else messages.filter(_told_to(user, wanted.patient_id))


def _told_to(user: User, patient_id: int) -> Q:
    """By their account and their appointments. Not by address: families share a phone."""
    patient = patients_visible_to(user).filter(pk=patient_id).first()
    if patient is None:
        return Q(pk__in=[])
    appointment_ids = list(Appointment.objects.filter(patient=patient).values_list("pk", flat=True))
    about_them = Q(appointment_id__in=appointment_ids, user__isnull=True)
    return about_them | Q(user=patient.user_id) if patient.user_id is not None else about_them


def _start_of(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def appointment_of_sender(phones: Collection[str], appointment_id: int) -> Appointment | None:
    """Of a patient with one of these numbers (E.164), of whichever clinic; with clinic, patient and practitioner."""
    return _of_sender(phones).filter(pk=appointment_id).first()


def upcoming_of_sender(phones: Collection[str], *, now: datetime, most: int) -> list[Appointment]:
    """What can be confirmed or cancelled, in order; as `appointment_of_sender`."""
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
    """Those with one of these numbers (E.164), of whichever clinic, with it: first whose visit is the latest."""
    patients = list(Patient.objects.filter(clinic_id__in=_all_clinics(), phone__in=phones).select_related("clinic"))
    if len(patients) > 1:
        latest = _of_sender(phones).order_by("-starts_at", "-id").values_list("patient_id", flat=True).first()
        patients.sort(key=lambda patient: (patient.pk != latest, patient.pk))
    return patients


def desk_of(clinic: Clinic) -> QuerySet[User]:
    """Owner and staff."""
    return User.objects.filter(clinic=clinic, role__in=(Role.OWNER, Role.STAFF), is_active=True).order_by("pk")


def _all_clinics() -> list[int]:
    # By clinic and phone, as patients are indexed.
    return list(Clinic.objects.values_list("pk", flat=True))


def _ids_of_sender(phones: Collection[str]) -> list[int]:
    patients = Patient.objects.filter(clinic_id__in=_all_clinics(), phone__in=phones)
    return list(patients.values_list("pk", flat=True))


def _of_sender(phones: Collection[str]) -> QuerySet[Appointment]:
    appointments = Appointment.objects.select_related("clinic", "patient__clinic", "practitioner")
    return appointments.filter(patient_id__in=_ids_of_sender(phones))


def _offers_to_sender(phones: Collection[str]) -> QuerySet[WaitlistOffer]:
    offers = WaitlistOffer.objects.select_related("clinic", "practitioner", "entry__patient__clinic")
    return offers.filter(entry__patient_id__in=_ids_of_sender(phones))
