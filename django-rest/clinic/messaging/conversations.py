"""Messages of patients in both directions: one conversation for each phone, so that a family with one phone has one; or
for each record without a phone."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

from django.db.models import Q, QuerySet
from django.utils.translation import gettext

from clinic.accounts.models import User
from clinic.appointments.models import Appointment
from clinic.common.public_links import mask_links
from clinic.messaging.kinds import KINDS
from clinic.messaging.models import InboundMessage
from clinic.messaging.queries import messages_visible_to, received_visible_to, waiting_for_desk
from clinic.outbox.models import DeliveryChannel, Message, MessageKind, MessageState
from clinic.people.models import FamilyMember, Patient
from clinic.people.queries import get_patient_for, patients_visible_to, search_patients
from clinic.waitlist.models import WaitlistOffer

# Of one page of conversations, and of one conversation.
RECENT_READ, MAX_WAITING, MAX_LINES, MAX_FOUND = 120, 100, 60, 30
# Of a reply: it is paid by the part, of 153 letters.
MAX_REPLY_LENGTH = 612
# More than a family share the number of an office.
MAX_SHARING = 20
TO_PATIENTS = (MessageKind.CHANGE, MessageKind.REMINDER, MessageKind.DAY, MessageKind.OFFER, MessageKind.REPLY)


@dataclass(frozen=True, slots=True)
class ConversationLine:
    """One message, sent or received."""

    row: Message | InboundMessage

    @property
    def sent(self) -> Message | None:
        return self.row if isinstance(self.row, Message) else None

    @property
    def received(self) -> InboundMessage | None:
        return self.row if isinstance(self.row, InboundMessage) else None

    @property
    def at(self) -> datetime:
        return self.row.received_at if isinstance(self.row, InboundMessage) else self.row.created_at

    @property
    def direction(self) -> str:
        return "sent" if self.sent is not None else "received"

    @property
    def channel(self) -> str:
        return self.sent.channel if self.sent is not None else DeliveryChannel.SMS

    @property
    def kind(self) -> str | None:
        return self.sent.kind if self.sent is not None else None

    @property
    def title(self) -> str:
        if self.sent is None:
            return ""
        if self.sent.kind == MessageKind.REPLY:
            return gettext("Reply")
        kind = KINDS.get(self.sent.template)
        return gettext(kind.title) if kind is not None else self.sent.subject

    @property
    def subject(self) -> str:
        return self.sent.subject if self.sent is not None else ""

    @property
    def body(self) -> str:
        return "" if self.sent is not None and self.sent.secret else mask_links(self.row.body)

    @property
    def recipient(self) -> str:
        if isinstance(self.row, InboundMessage):
            return self.row.phone or self.row.sender
        return self.row.recipient

    @property
    def state(self) -> str | None:
        return self.sent.state if self.sent is not None else None

    @property
    def error(self) -> str:
        return self.sent.error if self.sent is not None else ""

    @property
    def answer(self) -> str:
        return mask_links(self.received.answer) if self.received is not None else ""

    @property
    def settled_by_name(self) -> str:
        settled_by = self.received.settled_by if self.received is not None else None
        return settled_by.name if settled_by is not None else ""

    @property
    def can_send_again(self) -> bool:
        one = self.sent
        return (
            one is not None
            and one.state in (MessageState.FAILED, MessageState.DEAD)
            and not (one.secret or one.withdrawn)
        )

    @property
    def waits(self) -> bool:
        return self.received is not None and self.received.for_desk and self.received.settled_at is None


@dataclass(frozen=True, slots=True)
class Conversation:
    """`phone` is empty where the patient has none. `waiting`: how many of what was received a person has to read."""

    phone: str
    patients: list[Patient]
    last: ConversationLine | None
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Conversations:
    """Those that wait first, the longest wait first; then the latest. `before`: for the next page, None at the end."""

    conversations: list[Conversation]
    waiting: int
    before: datetime | None


@dataclass(slots=True)
class _Group:
    phone: str
    patients: dict[int, Patient] = field(default_factory=dict)
    lines: list[ConversationLine] = field(default_factory=list)


def list_conversations(user: User, *, search: str = "", before: datetime | None = None) -> Conversations:
    """Owner and staff. Ten queries at most, however many there are. A `search` is by name, e-mail or phone, and has one
    page."""
    waiting = [ConversationLine(one) for one in waiting_for_desk(user).order_by("received_at", "id")[:MAX_WAITING]]
    if search:
        found = list(search_patients(user, search)[:MAX_FOUND])
        sent, received = _lines_about(user, found)
        next_before = None
    else:
        sent, received = _recent(user, before)
        next_before = _where_both_end(sent, received)
    lines = {_key(line): line for line in chain(waiting, _lines(sent, received))}
    if next_before is not None:
        lines = {key: line for key, line in lines.items() if line.waits or line.at >= next_before}
    groups = _grouped(user, lines.values())
    if search:
        groups = _of_patients(groups, found)
    shown = [_conversation(group) for group in groups]
    if before is not None:  # Those that wait are on the first page.
        shown = [one for one in shown if not one.waiting]
    shown.sort(key=_order)
    return Conversations(shown, len(waiting), next_before)


def conversation_of_patient(user: User, patient_id: int) -> list[ConversationLine]:
    """The latest first. Eight queries. Raises NotFound."""
    return conversation_of(user, [get_patient_for(user, patient_id)])


def conversation_of_phone(user: User, phone: str) -> list[ConversationLine]:
    """Of all who have this phone (E.164), and of who wrote from it. Eight queries."""
    patients = list(patients_visible_to(user).filter(phone=phone)[:MAX_SHARING])
    return conversation_of(user, patients, phone=phone)


def conversation_of(user: User, patients: Collection[Patient], *, phone: str = "") -> list[ConversationLine]:
    sent, received = _lines_about(user, patients, phone=phone)
    return _in_order(_lines(sent, received))[: -MAX_LINES - 1 : -1]


def phones_of(patients: Collection[Patient]) -> set[str]:
    """Of a family's record without a phone: that of the account that books for it. One query."""
    lacking = [patient.pk for patient in patients if not patient.phone]
    links = FamilyMember.objects.filter(patient_id__in=lacking, user__patient__isnull=False)
    of_families = links.values_list("user__patient__phone", flat=True) if lacking else ()
    return {phone for phone in (*(patient.phone for patient in patients), *of_families) if phone}


def _lines(sent: Iterable[Message], received: Iterable[InboundMessage]) -> Iterable[ConversationLine]:
    return (ConversationLine(one) for one in chain[Message | InboundMessage](sent, received))


def _in_order(lines: Iterable[ConversationLine]) -> list[ConversationLine]:
    """The earliest first. A reply comes after the message it answers, also where clocks differ by a moment."""
    lines = list(lines)
    received_at = {line.received.pk: line.at for line in lines if line.received is not None}

    def order(line: ConversationLine) -> tuple[datetime, bool, int]:
        answered_at = received_at.get(line.sent.received_id or 0) if line.sent is not None else None
        return max(line.at, answered_at or line.at), line.sent is not None, line.row.pk

    return sorted(lines, key=order)


def _key(line: ConversationLine) -> tuple[str, int]:
    return line.direction, line.row.pk


def _sent_to_patients(user: User) -> QuerySet[Message]:
    return (
        messages_visible_to(user)
        .filter(kind__in=TO_PATIENTS)
        .exclude(channel__in=(DeliveryChannel.IN_APP, DeliveryChannel.PUSH))
    )


def _recent(user: User, before: datetime | None) -> tuple[list[Message], list[InboundMessage]]:
    sent, received = _sent_to_patients(user), received_visible_to(user)
    if before is not None:
        sent, received = sent.filter(created_at__lt=before), received.filter(received_at__lt=before)
    return list(sent[:RECENT_READ]), list(received[:RECENT_READ])


def _where_both_end(sent: list[Message], received: list[InboundMessage]) -> datetime | None:
    """Before this moment, one of the two lists may lack something. None: both are complete."""
    ends = [
        *([sent[-1].created_at] if len(sent) == RECENT_READ else []),
        *([received[-1].received_at] if len(received) == RECENT_READ else []),
    ]
    return max(ends, default=None)


def _lines_about(
    user: User, patients: Collection[Patient], *, phone: str = ""
) -> tuple[list[Message], list[InboundMessage]]:
    ids, phones = [patient.pk for patient in patients], phones_of(patients) | ({phone} if phone else set())
    received = list(received_visible_to(user).filter(phone__in=phones)[:MAX_LINES]) if phones else []
    visits = list(Appointment.objects.filter(patient_id__in=ids).values_list("pk", flat=True))
    offers = list(WaitlistOffer.objects.filter(entry__patient_id__in=ids).values_list("pk", flat=True))
    about_them = Q(appointment_id__in=visits) | Q(offer_id__in=offers) | Q(received_id__in=[one.pk for one in received])
    return list(_sent_to_patients(user).filter(about_them)[:MAX_LINES]), received


def _grouped(user: User, lines: Iterable[ConversationLine]) -> list[_Group]:
    """Five queries at most."""
    lines = list(lines)
    by_phone, of_visits, of_offers = _patients_behind(user, lines)
    groups: dict[str, _Group] = {}
    for line in lines:
        row = line.row
        if isinstance(row, InboundMessage):
            phone, patients = row.phone, by_phone.get(row.phone, [])
        else:
            patient = of_visits.get(row.appointment_id or 0) or of_offers.get(row.offer_id or 0)
            phone = patient.phone if patient is not None else row.recipient
            patients = [patient] if patient is not None else by_phone.get(phone, [])
        key = phone or (f"patient {patients[0].pk}" if patients else "")
        if key:
            group = groups.setdefault(key, _Group(phone))
            group.patients |= {one.pk: one for one in patients}
            group.lines.append(line)
    return list(groups.values())


def _patients_behind(
    user: User, lines: Collection[ConversationLine]
) -> tuple[Mapping[str, list[Patient]], Mapping[int, Patient], Mapping[int, Patient]]:
    visible = patients_visible_to(user)
    sent = [line.sent for line in lines if line.sent is not None]
    visit_ids = {one.appointment_id for one in sent if one.appointment_id is not None}
    offer_ids = {one.offer_id for one in sent if one.offer_id is not None}
    visits = dict(Appointment.objects.filter(pk__in=visit_ids).values_list("pk", "patient_id"))
    offers = dict(WaitlistOffer.objects.filter(pk__in=offer_ids).values_list("pk", "entry__patient_id"))
    named = visible.in_bulk({*visits.values(), *offers.values()})
    phones = {line.received.phone for line in lines if line.received is not None}
    phones |= {one.recipient for one in sent if one.kind == MessageKind.REPLY}
    by_phone: dict[str, list[Patient]] = defaultdict(list)
    for patient in visible.filter(phone__in=phones).order_by("name", "id")[: MAX_SHARING * max(1, len(phones))]:
        by_phone[patient.phone].append(patient)
    return (
        by_phone,
        {visit: named[patient_id] for visit, patient_id in visits.items() if patient_id in named},
        {offer: named[patient_id] for offer, patient_id in offers.items() if patient_id in named},
    )


def _of_patients(groups: list[_Group], found: list[Patient]) -> list[_Group]:
    """Also those to whom nothing was written."""
    ids = {patient.pk for patient in found}
    phones = {patient.phone for patient in found if patient.phone}
    kept = [group for group in groups if group.phone in phones or not ids.isdisjoint(group.patients)]
    known = {patient_id for group in kept for patient_id in group.patients}
    kept += [_Group(patient.phone, {patient.pk: patient}) for patient in found if patient.pk not in known]
    return kept


def _conversation(group: _Group) -> Conversation:
    last = next(reversed(_in_order(group.lines)), None)
    return Conversation(group.phone, list(group.patients.values()), last, sum(line.waits for line in group.lines))


def _order(one: Conversation) -> tuple[bool, float]:
    at = one.last.at.timestamp() if one.last is not None else 0.0
    return (not one.waiting, at if one.waiting else -at)
