"""Facts for messages about changes of visits, in one statement: they are written while others wait for the change."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from clinic.accounts.models import Role
from clinic.appointments.models import Appointment
from clinic.messaging.catalogue import MessageAudience, Telling
from clinic.outbox.models import DeliveryChannel
from clinic.outbox.wording_messages import OwnWords
from clinic.outbox.words import Words
from clinic.people.identities import NOBODY
from clinic.people.services.contact_routes import sms_phones_of

PUSH_TEMPLATE = "push_answer"
AT_DESK = (Role.OWNER, Role.STAFF)
PEOPLE = """
SELECT 'person', clinic_id, id, role, email, NULL, NULL, NULL, NULL, NULL, NULL
FROM account_user WHERE is_active AND ((clinic_id IN %s AND role IN %s) OR id IN %s)
"""
OWN_WORDS = """
SELECT 'words', clinic_id, NULL, NULL, NULL, template, channel, language, subject, body, NULL
FROM message_template WHERE clinic_id IN %s AND template IN %s
"""
OPT_OUTS = """
SELECT 'opt-out', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, recipient
FROM opt_out WHERE channel = %s AND recipient IN %s
"""


@dataclass(frozen=True, slots=True)
class ClinicReader:
    """Person of a clinic who may be told."""

    pk: int
    clinic_id: int | None
    works_at_desk: bool
    email: str


@dataclass(frozen=True, slots=True)
class TellingFacts:
    """`people`: of the clinics' desks, and the practitioners' accounts, by their ids. `opted_out`: phones whose owners
    want no SMS. `own_words` are the clinics' in place of the standard ones."""

    people: list[ClinicReader]
    opted_out: set[str]
    own_words: OwnWords


def facts_for(tellings: Sequence[Telling], appointments: Sequence[Appointment]) -> TellingFacts:
    """With patients and practitioners fetched. One query, none where there is nothing to tell; one more for records of
    families without contact data."""
    if not tellings:
        return TellingFacts([], set(), {})
    templates = {name for telling in tellings for name in (telling.template, telling.several) if name}
    clinic_ids = tuple({appointment.clinic_id for appointment in appointments})
    parts: list[str] = [OWN_WORDS]
    values: list[Any] = [clinic_ids, (*templates, PUSH_TEMPLATE)]
    phones = sms_phones_of(appointment.patient for appointment in appointments)
    if phones:
        parts.append(OPT_OUTS)
        values += [DeliveryChannel.SMS.value, tuple(phones)]
    if any(telling.to is MessageAudience.CLINIC for telling in tellings):
        practitioners = {appointment.practitioner.user_id or NOBODY for appointment in appointments}
        parts.append(PEOPLE)
        values += [clinic_ids, tuple(role.value for role in AT_DESK), tuple(practitioners)]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), values)
        return _facts_from(cursor.fetchall())


def _facts_from(rows: Collection[Any]) -> TellingFacts:
    people: list[ClinicReader] = []
    opted_out: set[str] = set()
    own: dict[tuple[int | None, str, str, str], Words] = {}
    for fact, clinic_id, user_id, role, email, template, channel, language, subject, body, recipient in rows:
        if fact == "person":
            people.append(ClinicReader(user_id, clinic_id, role in AT_DESK, email or ""))
        elif fact == "words":
            own[clinic_id, template, channel, language] = Words(subject, body)
        else:
            opted_out.add(recipient)
    return TellingFacts(sorted(people, key=lambda reader: reader.pk), opted_out, own)
