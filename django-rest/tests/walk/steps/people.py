"""Patients' records and accounts, and the clinic's own people."""

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from clinic.accounts.contacts import (
    request_verification,
    send_requested_verifications,
    undo_contact_change,
    verify_email,
)
from clinic.accounts.link_tokens import LinkNotValid
from clinic.accounts.models import ContactClaim, ContactKind, Role
from clinic.accounts.phones import normalise_phone
from clinic.accounts.services import sign_out_everywhere
from clinic.outbox.models import Message
from clinic.people.services.linking import link_patient, unlink_patient
from clinic.people.services.merging import merge_patients, preview_merge
from clinic.people.services.patients import SignUp, change_own_profile, create_patient, edit_patient, sign_up_patient
from clinic.people.services.phone_codes import send_phone_code
from clinic.people.services.staff import create_staff, deactivate_staff, edit_staff

from testkit.clinic.world import PASSWORD

from ..walk import NOBODY, Walk, weighted
from .guests import NAMES, PHONES

EMAILS = ("gus@example.org", "greta@example.org", "shared@example.org")


def make_a_record(walk: Walk) -> None:
    name, phone = walk.among(*NAMES, f"Nora {walk.number()}"), walk.among("", *PHONES)
    walk.service(lambda: create_patient(clinic=walk.clinic(), name=name, phone=phone))


def change_a_record(walk: Walk) -> None:
    editor, patient_id = walk.user("olga", "sam") if walk.perhaps(0.9) else walk.user(), walk.patient_id()
    changes = walk.among(
        {"name": f"Nora {walk.number()}"},
        {"phone": walk.among("", "no number", *PHONES)},
        {"email": f"nora{walk.number()}@example.org", "name": walk.among(*NAMES)},
    )
    walk.service(lambda: edit_patient(editor=editor, patient_id=patient_id, changes=changes))


def sign_up(walk: Walk) -> None:
    """With a code, a record with this phone and name may become theirs."""
    phone = walk.among(*PHONES)
    person = SignUp(
        name=walk.among(*NAMES),
        email=f"gus{walk.number()}@example.org",
        phone=phone,
        password=PASSWORD,
        phone_code=_code_sent_to(walk, phone) if walk.perhaps(0.8) else "",
    )
    walk.service(lambda: sign_up_patient(clinic=walk.clinic(), sign_up=person, now=walk.now))


def change_own_record(walk: Walk) -> None:
    user, phone = walk.patient_user(), walk.among(*PHONES)
    code = _code_sent_to(walk, phone) if walk.perhaps(0.6) else ""
    changes = {"phone": normalise_phone(phone, region="DE")}
    if walk.perhaps(0.3):
        changes["name"] = walk.among(*NAMES, user.name)
    walk.service(
        lambda: change_own_profile(user=user, changes=changes, phone_code=code, password=PASSWORD, now=walk.now)
    )


def change_own_email(walk: Walk) -> None:
    """To one that others may claim as well."""
    user, email = walk.patient_user(), walk.among(*EMAILS)
    walk.service(lambda: change_own_profile(user=user, changes={"email": email}, password=PASSWORD, now=walk.now))
    _check_claims_reveal_nothing(walk)


def verify_a_claim(walk: Walk) -> None:
    """By the link of a mail, which is asked for first; now and then by no link of ours."""
    claim = walk.one_of(ContactClaim.objects.filter(kind=ContactKind.EMAIL).order_by("pk"), None)
    if claim is not None:
        request_verification(claim.user, now=walk.now)
        walk.service(lambda: send_requested_verifications(now=walk.now))
    token = _token_mailed(claim.value, "email_verification") if claim is not None and walk.perhaps(0.9) else "no link"

    def verify() -> None:
        verified = verify_email(token=token, now=walk.now)
        assert not ContactClaim.objects.filter(kind=ContactKind.EMAIL, value=verified.email).exists()

    walk.service(lambda: _unless_not_valid(walk, verify))
    _check_claims_reveal_nothing(walk)


def undo_a_changed_address(walk: Walk) -> None:
    """By the link to the former address."""
    sent = Message.objects.filter(template__in=("email_changed", "phone_changed")).order_by("pk")
    message = walk.one_of(sent, None)
    token = _token_in(message.body) if message is not None and walk.perhaps(0.9) else "no link"
    walk.service(lambda: _unless_not_valid(walk, lambda: undo_contact_change(token=token, now=walk.now)))
    _check_claims_reveal_nothing(walk)


def _unless_not_valid(walk: Walk, follow: Callable[[], object]) -> None:
    try:
        follow()
    except LinkNotValid:
        walk.done["link_not_valid"] += 1


def _check_claims_reveal_nothing(walk: Walk) -> None:
    """I7: one account has a verified address, whoever else claims it, and five at most claim one."""
    emails = [row["email"] for row in walk.state.users.values() if row["email"]]
    assert len(emails) == len(set(emails))
    values = Counter(ContactClaim.objects.values_list("kind", "value"))
    assert max(values.values(), default=0) <= 5


def _token_mailed(recipient: str, template: str) -> str:
    sent = Message.objects.filter(recipient=recipient, template=template).order_by("pk").last()
    return _token_in(sent.body) if sent is not None else "no link"


def _token_in(body: str) -> str:
    return "".join(re.findall(r"^[\w-]{43}$", body, re.MULTILINE)) or "no link"


def _code_sent_to(walk: Walk, phone: str) -> str:
    """A wrong one where the clinic knows nobody with this number, or has sent too many."""
    number = normalise_phone(phone, region="DE")
    address = f"198.51.100.{walk.number() % 250}"
    walk.service(lambda: send_phone_code(clinic=walk.clinic(), phone=number, address=address, now=walk.now))
    sent = Message.objects.filter(recipient=number, template="phone_code").order_by("pk").last()
    return "".join(re.findall(r"\b\d{6}\b", sent.body)) if sent else "000000"


def link_a_record(walk: Walk) -> None:
    editor, account = walk.user("olga", "sam"), walk.patient_user()
    patient_id, as_family = walk.patient_id(), walk.among(None, True, False)
    walk.service(
        lambda: link_patient(
            editor=editor, patient_id=patient_id, user_id=account.pk, as_family=as_family, now=walk.now
        )
    )


def unlink_a_record(walk: Walk) -> None:
    editor, patient_id = walk.user("olga", "sam"), walk.patient_id()
    walk.service(lambda: unlink_patient(editor=editor, patient_id=patient_id, now=walk.now))


def merge_records(walk: Walk) -> None:
    editor, patient_id, into_id = walk.user("olga", "sam"), walk.patient_id(), walk.patient_id()
    allow_overlap = walk.perhaps(0.5)
    if walk.perhaps(0.3):
        walk.service(lambda: preview_merge(editor=editor, patient_id=patient_id, into_id=into_id))
        return
    walk.service(
        lambda: merge_patients(
            editor=editor, patient_id=patient_id, into_id=into_id, now=walk.now, allow_overlap=allow_overlap
        )
    )


def sign_out(walk: Walk) -> None:
    user = walk.user()
    walk.service(lambda: sign_out_everywhere(user=user))


def hire(walk: Walk) -> None:
    owner, number = walk.user("olga"), walk.number()
    fields = {"name": f"Stella {number}", "email": f"stella{number}@riverside.example", "role": _role(walk)}
    walk.service(lambda: create_staff(owner=owner, fields=fields))


def change_a_role(walk: Walk) -> None:
    owner, user_id = walk.user("olga"), _hired(walk)
    changes: dict[str, Any] = walk.among(
        {"role": _role(walk)},
        {"active": walk.perhaps(0.5)},
        {"name": f"Stella {walk.number()}"},
        {"practitioner": walk.among(None, walk.practitioner_id())},
    )
    walk.service(lambda: edit_staff(owner=owner, user_id=user_id, changes=changes))


def dismiss(walk: Walk) -> None:
    """Those hired on the way; and the only owner, who stays."""
    owner, user_id = walk.user("olga"), _hired(walk)
    walk.service(lambda: deactivate_staff(owner=owner, user_id=user_id))


def _role(walk: Walk) -> Role:
    return walk.among(Role.STAFF, Role.STAFF, Role.PRACTITIONER)


def _hired(walk: Walk) -> int:
    hired: list[int] = sorted(row["id"] for row in walk.state.users.values() if row["name"].startswith("Stella"))
    return walk.one_of(hired, walk.among(NOBODY, walk.world.olga.pk))


STEPS = weighted(
    (make_a_record, 2),
    (change_a_record, 3),
    (sign_up, 2),
    (change_own_record, 2),
    (change_own_email, 2),
    (verify_a_claim, 2),
    (undo_a_changed_address, 1),
    (link_a_record, 1),
    (unlink_a_record, 1),
    (merge_records, 1),
    (sign_out, 1),
    (hire, 1),
    (change_a_role, 1),
    (dismiss, 1),
)
