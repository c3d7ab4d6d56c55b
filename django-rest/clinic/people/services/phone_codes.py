"""Proof that a phone is somebody's: six digits sent to it.

Nothing here tells whether the clinic knows a number. A code is made and asked for in the same steps for any number;
only what would be sent differs, and a wrong, expired, used-up or never made code is one and the same refusal.
"""

import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from clinic.accounts.models import ContactClaim, ContactKind, User
from clinic.common.errors import InvalidRequest, PhoneNotProven
from clinic.common.limits import Limit, limit_attempts
from clinic.common.transactions import in_one_statement, in_one_transaction
from clinic.outbox.models import DeliveryChannel, MessageKind
from clinic.outbox.services import About, NewMessage, queue_message
from clinic.outbox.sms_gate import can_get_sms
from clinic.people.models import Patient, PhoneCode
from clinic.scheduling.models import Clinic

CODE_HOLDS_FOR = timedelta(minutes=10)
WRONG_TRIES = 5
# A number's owner may lose a message or two; one address that asks for many numbers is no patient, nor are many
# addresses that ask one clinic.
CODES_BY_PHONE = Limit("phone codes by phone", 3, timedelta(minutes=10))
CODES_BY_ADDRESS = Limit("phone codes by address", 20, timedelta(hours=1))
CODES_BY_CLINIC = Limit("phone codes by clinic", 200, timedelta(hours=1))
# Tries from one address, of any numbers; a chatbot has one address for all of its patients.
CODE_TRIES = Limit("phone code tries", 300, timedelta(hours=1))


@in_one_transaction
def send_phone_code(*, clinic: Clinic, phone: str, address: str, now: datetime) -> None:
    """Have a code sent to this number (E.164), if a patient or an account of the clinic has it, or guests have to
    verify theirs.

    Raises InvalidRequest for a number to which the clinic sends no SMS, and Throttled.
    """
    if not can_get_sms(phone, clinic):
        raise InvalidRequest("The clinic sends no SMS to this number. Please call the clinic.", attr="phone")
    # Counted with the code, and locked until that is committed: of many requests at once none is overlooked. A refusal
    # rolls its own count back.
    for limit, subject in (
        (CODES_BY_PHONE, f"{clinic.pk}:{phone}"),
        (CODES_BY_ADDRESS, address),
        (CODES_BY_CLINIC, str(clinic.pk)),
    ):
        limit_attempts(limit, subject, now=now, detail="Too many codes were asked for. Please wait.")
    code = f"{secrets.randbelow(10**6):06}"
    PhoneCode.objects.create(
        clinic=clinic,
        phone=phone,
        code_hash=_hash(clinic, phone, code),
        address=address,
        created_at=now,
        expires_at=now + CODE_HOLDS_FOR,
    )
    # A family shares a phone: whoever of them has chosen a language first.
    languages = list(
        Patient.objects.filter(clinic=clinic, phone=phone).order_by("pk").values_list("language", flat=True)
    )
    with transaction.atomic():
        queue_message(
            NewMessage(
                about=About(clinic_id=clinic.pk),
                kind=MessageKind.ACCOUNT,
                channel=DeliveryChannel.SMS,
                template="phone_code",
                recipient=phone,
                context={"clinic": clinic, "code": code, "minutes": int(CODE_HOLDS_FOR.total_seconds()) // 60},
                expires_at=now + CODE_HOLDS_FOR,
                secret=True,
                language=next(filter(None, languages), clinic.language),
            )
        )
        has_account = User.objects.filter(clinic=clinic, phone=phone).exists()
        claims = ContactClaim.objects.filter(kind=ContactKind.PHONE, value=phone, user__clinic=clinic)
        is_known = claims.exists() or has_account or bool(languages)
        # Guests who have to verify their phone are new to the clinic.
        if not (is_known or clinic.guests_verify_phone):  # The same statements for all, so that time tells nothing.
            transaction.set_rollback(True)


def check_phone_code(*, clinic: Clinic, phone: str, code: str, now: datetime) -> None:
    """Raises PhoneNotProven unless it is the newest code of this number, in time, with tries left.

    A right code holds until it expires, so that one proof reads several pages.
    """
    if not _try(clinic=clinic, phone=phone, code=code, now=now):
        raise PhoneNotProven


@in_one_transaction
def _try(*, clinic: Clinic, phone: str, code: str, now: datetime) -> bool:
    # Locked: many guesses at once are counted one by one. Not raised in here, or the count would be rolled back.
    newest = PhoneCode.objects.select_for_update().filter(clinic=clinic, phone=phone).order_by("-created_at", "-pk")
    sent = newest.first()
    if sent is None or sent.expires_at <= now or sent.wrong_tries >= WRONG_TRIES:
        return False
    if constant_time_compare(sent.code_hash, _hash(clinic, phone, code)):
        return True
    sent.wrong_tries += 1
    sent.save(update_fields=["wrong_tries"])
    return False


def _hash(clinic: Clinic, phone: str, code: str) -> str:
    # Keyed: a million codes are soon hashed, but not without the service's secret.
    return salted_hmac("clinic.phone_code", f"{clinic.pk}:{phone}:{code}", algorithm="sha256").hexdigest()


@in_one_statement
def prune_phone_codes(*, older_than: datetime) -> int:
    return PhoneCode.objects.filter(created_at__lt=older_than).delete()[0]
