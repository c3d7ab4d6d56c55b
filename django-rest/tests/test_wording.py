"""Words of messages: the standard wording or the clinic's own, as text and as HTML; the owner sees them before."""

import re
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import clinic
import pytest
from clinic.accounts.models import User
from clinic.common.errors import InvalidRequest, PermissionDenied, StaleVersion
from clinic.common.versions import Expected
from clinic.messaging.kinds import KINDS, MEANINGS
from clinic.messaging.services.wording import (
    LANGUAGES,
    Preview,
    Wording,
    preview,
    reset_wording,
    sample_context,
    set_wording,
    standard_to_start_from,
)
from clinic.outbox.attachments import Attachment
from clinic.outbox.delivery import deliver_due
from clinic.outbox.models import DeliveryChannel, Message, MessageKind, MessageTemplate
from clinic.outbox.services import About, NewMessage, compose_message, queue_message, queue_messages
from clinic.outbox.words import Words, standard_words, words_of
from clinic.scheduling.models import Clinic
from django.core import mail
from django.db import connection, transaction
from django.template import engines
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from testkit.clinic.admin_pages import WORDINGS, Page, errors_of, rows_of, sign_in
from testkit.clinic.world import World

CONFIRMED_MAIL = Wording("confirmed", "email", "en")
CONFIRMED_SMS = Wording("confirmed", "sms", "en")
ALL = [
    Wording(template, channel, language)
    for template, kind in KINDS.items()
    for channel in kind.channels
    for language in LANGUAGES
]
# Not for a clinic to word: accounts' mails, dead letters, notes by push, and the desk's own words.
STANDARD_ALONE = {
    "email_changed",
    "email_known",
    "email_verification",
    "invitation",
    "password_changed",
    "password_reset",
    "phone_changed",
    "dead_letter",
    "absence_requested",
    "absence_approved",
    "absence_declined",
    "practitioner_late",
    "push_answer",
    "push_called",
    "push_next",
    "push_offer",
    "reply",
    "sms_limit",
    "sms_received",
}


def choose(owner: User, body: str, *, subject: str = "", wording: Wording = CONFIRMED_SMS) -> MessageTemplate:
    return set_wording(owner=owner, wording=wording, words=Words(subject, body), now=datetime.now(UTC))


def tell(of: Clinic, wording: Wording = CONFIRMED_SMS, attachment: Attachment | None = None, **values: Any) -> Message:
    with transaction.atomic():
        message = queue_message(
            NewMessage(
                about=About(clinic_id=of.pk),
                kind=MessageKind.CHANGE,
                channel=DeliveryChannel(wording.channel),
                template=wording.template,
                recipient="paula@riverside.example" if wording.channel == "email" else "+491701234567",
                context={**sample_context(of, wording.language), **values},
                language=wording.language,
                attachment=attachment,
            )
        )
    assert message is not None
    return Message.objects.get(pk=message.pk)


@pytest.fixture
def postbox(settings: Settings) -> list[Any]:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.EMAIL_IS_CONFIGURED = True
    mail.outbox = []
    return mail.outbox


def sent(postbox: list[Any]) -> EmailMessage:
    assert deliver_due(now=datetime.now(UTC) + timedelta(seconds=1)) == 1
    assert not Message.objects.exclude(error="").exists()
    (one,) = postbox
    message: EmailMessage = one.message()
    return message


def part(message: EmailMessage, kind: str) -> str:
    (found,) = [one for one in message.walk() if one.get_content_type() == kind]
    payload = found.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


# The clinic's own words


@pytest.mark.parametrize("wording", [CONFIRMED_SMS, Wording("confirmed", "sms", "de")], ids=str)
def test_own_words_are_used_in_the_language_they_were_written_for(world: World, wording: Wording) -> None:
    choose(world.olga, "{clinic} sagt: {practitioner}!", wording=wording)
    assert tell(world.clinic, wording).body == "Riverside sagt: Dr. Amara Okafor!"
    (other,) = {"en", "de"} - {wording.language}
    assert "sagt" not in tell(world.clinic, Wording("confirmed", "sms", other)).body


def test_own_words_of_one_channel_leave_the_others_as_they_are(world: World) -> None:
    choose(world.olga, "Come in!", wording=CONFIRMED_SMS)
    assert "is confirmed" in tell(world.clinic, CONFIRMED_MAIL).body


def test_another_clinics_words_are_never_used(world: World) -> None:
    choose(world.otto, "Hillside's own")
    assert "Hillside" not in tell(world.clinic).body
    assert tell(world.hillside).body == "Hillside's own"
    reset_wording(owner=world.olga, wording=CONFIRMED_SMS)
    assert tell(world.hillside).body == "Hillside's own"


def test_many_at_once_are_each_worded_by_their_clinic_in_one_query(world: World) -> None:
    choose(world.olga, "Riverside's {when}")
    choose(world.otto, "Hillside's {when}")

    def composed(of: Clinic, when: str) -> Message:
        return compose_message(
            NewMessage(
                about=About(of.pk),
                kind=MessageKind.CHANGE,
                channel=DeliveryChannel.SMS,
                template="confirmed",
                recipient="+1",
                context={"when": when},
            ),
            now=datetime.now(UTC),
        )

    many = [composed(of, f"{number}") for number in range(20) for of in (world.clinic, world.hillside)]
    with transaction.atomic(), CaptureQueriesContext(connection) as captured:
        queue_messages(many)
    assert len([query for query in captured if "message_template" in query["sql"]]) == 1
    bodies = list(Message.objects.order_by("pk").values_list("body", flat=True))
    assert bodies == [f"{name}'s {number}" for number in range(20) for name in ("Riverside", "Hillside")]


def test_message_of_a_real_booking_has_the_clinics_words(world: World, tomorrow_at: Any) -> None:
    choose(world.olga, "{practitioner} awaits {patient} on {when}.", subject="See you", wording=CONFIRMED_MAIL)
    world.book(tomorrow_at(9), now=datetime.now(UTC))
    message = Message.objects.get(channel="email", template="confirmed")
    assert message.subject == "See you"
    assert re.fullmatch(r"Dr Petra awaits Paula on \w{3} .*, 09:00\.", message.body)


def test_back_to_the_standard_wording(world: World) -> None:
    before = tell(world.clinic).body
    choose(world.olga, "Own")
    assert tell(world.clinic).body == "Own"
    reset_wording(owner=world.olga, wording=CONFIRMED_SMS)
    reset_wording(owner=world.olga, wording=CONFIRMED_SMS)
    assert tell(world.clinic).body == before


def test_words_that_come_out_empty_are_replaced_by_the_standard(world: World) -> None:
    wording = Wording("cancelled", "sms", "en")
    choose(world.olga, "{reason}", wording=wording)
    assert tell(world.clinic, wording, reason="Flooded").body == "Flooded"
    assert "is cancelled" in tell(world.clinic, wording, reason="").body


def test_a_value_that_is_missing_does_not_keep_a_message_from_being_queued(world: World) -> None:
    MessageTemplate.objects.create(
        clinic=world.clinic,
        template="confirmed",
        channel="sms",
        language="en",
        updated_at=datetime.now(UTC),
        body="Hi {nobody} {{ settings.SECRET_KEY }} {clinic.__class__}{clinic}",
    )
    assert tell(world.clinic).body == "Hi  {{ settings.SECRET_KEY }} {clinic.__class__}Riverside"
    assert "is confirmed" in tell(world.clinic, clinic="").body


# Refusals


@pytest.mark.parametrize("name", ["sam", "petra", "paula"])
def test_only_the_owner_chooses_words(world: World, name: str) -> None:
    with pytest.raises(PermissionDenied):
        choose(getattr(world, name), "Hi")
    with pytest.raises(PermissionDenied):
        reset_wording(owner=getattr(world, name), wording=CONFIRMED_SMS)
    assert not MessageTemplate.objects.exists()


@pytest.mark.parametrize(
    ("wording", "subject", "body", "attr"),
    [
        (CONFIRMED_MAIL, "Hi", "{__class__}", "body"),
        (CONFIRMED_MAIL, "Hi", "{{ clinic }}", "body"),
        (CONFIRMED_MAIL, "Hi", "{% load x %}", "body"),
        (CONFIRMED_MAIL, "Hi", "{reason}", "body"),
        (CONFIRMED_MAIL, "Hi {clinic.name}", "Hello", "subject"),
        (CONFIRMED_MAIL, "Hi\nBcc: everybody@example.org", "Hello", "subject"),
        (CONFIRMED_MAIL, "Hi\rBcc: everybody@example.org", "Hello", "subject"),
        (CONFIRMED_MAIL, "Hi", "Hello\x00", "body"),
        (CONFIRMED_MAIL, "", "Hello", "subject"),
        (CONFIRMED_MAIL, "x" * 201, "Hello", "subject"),
        (CONFIRMED_MAIL, "Hi", " \n ", "body"),
        (CONFIRMED_SMS, "Hi", "Hello", "subject"),
        (CONFIRMED_SMS, "", "x" * 613, "body"),
        (Wording("phone_code", "sms", "en"), "", "A code for {clinic}", "body"),
        (Wording("phone_code", "email", "en"), "Hi", "{code}", "channel"),
        (Wording("password_reset", "email", "en"), "Hi", "Hello", "template"),
        (Wording("confirmed", "sms", "xx"), "", "Hello", "language"),
    ],
)
def test_words_that_cannot_be_used_are_refused_where_they_stand(
    world: World, wording: Wording, subject: str, body: str, attr: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        choose(world.olga, body, subject=subject, wording=wording)
    assert refused.value.attr == attr
    assert not MessageTemplate.objects.exists()
    shown = preview(clinic=world.clinic, wording=wording, words=Words(subject, body))
    assert shown == Preview(faults=(refused.value.detail,))


def test_meanwhile_changed_words_are_not_overwritten(world: World) -> None:
    choose(world.olga, "First")
    assert choose(world.olga, "Second").version == 2
    for seen in (0, 1):
        with pytest.raises(StaleVersion):
            set_wording(
                owner=world.olga,
                wording=CONFIRMED_SMS,
                words=Words("", "Third"),
                now=datetime.now(UTC),
                expected=Expected(seen),
            )
    assert tell(world.clinic).body == "Second"


# All there are


def test_every_message_of_the_product_can_be_worded_or_is_known_not_to_be() -> None:
    files = Path(clinic.__path__[0]).glob("*/templates/messages/*.*.txt")
    found = {tuple(file.name.split(".")[:2]) for file in files}
    wordable = {(template, channel) for template, kind in KINDS.items() for channel in kind.channels}
    assert {one for one in found if one[0] not in STANDARD_ALONE} == wordable
    assert {name for kind in KINDS.values() for name in kind.placeholders} == set(MEANINGS)


@pytest.mark.parametrize("wording", ALL, ids=lambda wording: f"{wording.template}.{wording.channel}.{wording.language}")
def test_the_standard_wording_taken_over_unchanged_says_the_same(world: World, wording: Wording) -> None:
    start = standard_to_start_from(wording)
    context = sample_context(world.clinic, wording.language)
    standard = standard_words(wording.template, wording.channel, context, wording.language)
    assert words_of(wording.template, wording.channel, context, wording.language, start) == standard
    assert not preview(clinic=world.clinic, wording=wording, words=start).faults
    assert set(re.findall(r"\{(\w+)\}", start.subject + start.body)) <= set(KINDS[wording.template].placeholders)


# Text and HTML


def test_a_mail_is_text_and_html_of_the_same_words_with_its_attachment(
    world: World, postbox: list[Any], settings: Settings
) -> None:
    settings.SHARED = settings.SHARED.model_copy(update={"public_url": "https://riverside.example"})
    words = "Dear {patient},\n\nsee you {when}\nat https://riverside.example/way?a=1&b=2."
    choose(world.olga, words, subject="{clinic}", wording=CONFIRMED_MAIL)
    ics = Attachment("appointment.ics", "text/calendar; method=REQUEST", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")
    message = tell(world.clinic, CONFIRMED_MAIL, attachment=ics)
    mailed = sent(postbox)
    kinds = [one.get_content_type() for one in mailed.walk()]
    alternatives = ["text/plain", "text/html", "text/calendar"]
    assert kinds == ["multipart/mixed", "multipart/alternative", *alternatives, "application/ics"]
    assert [one.get_filename() for one in mailed.walk()][-1] == "appointment.ics"
    assert part(mailed, "text/plain").strip() == message.body
    html = part(mailed, "text/html")
    assert ">Dear Robin Meyer,</p>" in html
    assert '<a href="https://riverside.example/way?a=1&amp;b=2">' in html
    assert "</a>.</p>" in html


def test_a_mail_ends_with_how_the_clinic_is_reached_and_answers_go_there(world: World, postbox: list[Any]) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(
        phone="030 901820", email="desk@riverside.example", address="Ufer 1"
    )
    choose(world.olga, "See you.", subject="Hello", wording=CONFIRMED_MAIL)
    tell(world.clinic, CONFIRMED_MAIL)
    mailed = sent(postbox)
    assert mailed["Reply-To"] == "desk@riverside.example"
    assert part(mailed, "text/plain").strip() == "See you.\n\nUfer 1\n030 901820\ndesk@riverside.example"
    assert ">Ufer 1<br>030 901820<br>desk@riverside.example</p>" in part(mailed, "text/html")
    world.clinic.refresh_from_db()
    shown = preview(clinic=world.clinic, wording=CONFIRMED_MAIL, words=Words("Hi", "Hello"))
    assert ">Ufer 1<br>030 901820<br>desk@riverside.example</p>" in shown.html


def test_of_a_clinic_that_says_nothing_about_itself_a_mail_is_its_words(world: World, postbox: list[Any]) -> None:
    choose(world.olga, "See you.", subject="Hello", wording=CONFIRMED_MAIL)
    tell(world.clinic, CONFIRMED_MAIL)
    mailed = sent(postbox)
    assert (mailed["Reply-To"], part(mailed, "text/plain").strip()) == (None, "See you.")


def test_html_in_what_is_told_is_shown_as_it_is_typed(world: World, postbox: list[Any]) -> None:
    evil = '<script>alert("x")</script><img src=x onerror=y>'
    choose(world.olga, "<b>Dear</b> {patient}", subject="<i>{patient}</i>", wording=CONFIRMED_MAIL)
    Clinic.objects.filter(pk=world.clinic.pk).update(name="<u>Riverside</u>")
    tell(world.clinic, CONFIRMED_MAIL, patient=evil)
    mailed = sent(postbox)
    assert part(mailed, "text/plain").strip() == f"<b>Dear</b> {evil}"
    html = part(mailed, "text/html")
    for tag in ("<script", "<img", "<b>", "<i>", "<u>"):
        assert tag not in html
    assert "&lt;b&gt;Dear&lt;/b&gt; &lt;script&gt;" in html


@pytest.mark.parametrize("evil", ['https://x.example/"onclick="y', "https://x.example/'>x", "javascript:alert(1)"])
def test_no_link_can_be_broken_out_of(world: World, evil: str) -> None:
    shown = preview(clinic=world.clinic, wording=CONFIRMED_MAIL, words=Words("Hi", f"Go to {evil} now"))
    links = re.findall(r"<a [^>]*>", shown.html)
    assert all(re.fullmatch(r'<a href="https://[^"\'<>]*">', link) for link in links)
    assert "javascript:" not in "".join(links)


def test_a_name_in_a_subject_begins_no_header(world: World, postbox: list[Any]) -> None:
    choose(world.olga, "Hello", subject="For {patient}", wording=CONFIRMED_MAIL)
    tell(world.clinic, CONFIRMED_MAIL, patient="Robin\r\nBcc: everybody@example.org")
    mailed = sent(postbox)
    assert mailed["Bcc"] is None
    assert mailed["Subject"] == "For Robin Bcc: everybody@example.org"


def test_a_mail_asks_for_nothing_from_anywhere(world: World) -> None:
    html = preview(clinic=world.clinic, wording=CONFIRMED_MAIL, words=Words("Hi", "Hello")).html
    assert not re.findall(r"<img|<link|<script|url\(|@import|https?://", html)
    assert 'content="light dark"' in html


# The admin


@pytest.fixture
def owner(world: World) -> Client:
    return sign_in(world.olga)


def add_page(wording: Wording) -> str:
    return f"{WORDINGS}add/?template={wording.template}&channel={wording.channel}&language={wording.language}"


def links_of(client: Client) -> dict[tuple[str, str, str], dict[str, Any]]:
    kinds = client.get(WORDINGS).context["kinds"]
    return {(kind["title"], link["way"], link["language"]): link for kind in kinds for link in kind["links"]}


def test_the_list_shows_every_message_and_which_are_the_clinics_own(world: World, owner: Client) -> None:
    choose(world.otto, "Hillside's own", wording=Wording("missed", "sms", "en"))
    assert len(links_of(owner)) == len(ALL)
    assert not any(link["is_own"] for link in links_of(owner).values())
    choose(world.olga, "Own", wording=Wording("reminder", "sms", "de"))
    own = [name for name, link in links_of(owner).items() if link["is_own"]]
    assert own == [("Reminder", "SMS", "Deutsch")]


@pytest.mark.parametrize("wording", [CONFIRMED_MAIL, Wording("several_moved", "email", "de"), CONFIRMED_SMS], ids=str)
def test_words_are_written_from_the_standard_changed_and_given_up(
    world: World, owner: Client, wording: Wording
) -> None:
    page = Page.open(owner, add_page(wording))
    assert page.fields["body"] == standard_to_start_from(wording).body
    assert errors_of(page.save("_save", body="Hello {patient}")) == ""
    assert tell(world.clinic, wording).body == "Hello Robin Meyer"
    row = MessageTemplate.objects.get()
    page = Page.open(owner, f"{WORDINGS}{row.pk}/change/")
    assert errors_of(page.save("_save", body="Bye {patient}")) == ""
    assert tell(world.clinic, wording).body == "Bye Robin Meyer"
    assert MessageTemplate.objects.get().version == 2
    owner.post(f"{WORDINGS}{row.pk}/delete/", {"post": "yes"})
    assert not MessageTemplate.objects.exists()


def test_a_refusal_stands_on_the_page_with_what_was_typed(world: World, owner: Client) -> None:
    refused = Page.open(owner, add_page(CONFIRMED_MAIL)).save("_save", body="{{ patient.phone }}")
    assert "Braces stand only around the name of a placeholder." in errors_of(refused)
    assert "{{ patient.phone }}" in refused.content.decode()
    assert not MessageTemplate.objects.exists()


def test_of_two_open_pages_the_later_does_not_overwrite(world: World, owner: Client) -> None:
    one, other = Page.open(owner, add_page(CONFIRMED_SMS)), Page.open(owner, add_page(CONFIRMED_SMS))
    one.save("_save", body="One")
    assert "Someone changed this in the meantime" in errors_of(other.save("_save", body="Other"))
    assert tell(world.clinic).body == "One"


def test_a_superuser_words_for_any_clinic(world: World) -> None:
    root = sign_in(User.objects.create_superuser("root@example.org"))
    Page.open(root, add_page(CONFIRMED_SMS)).save("_save", clinic=world.hillside.pk, body="By root")
    (row,) = rows_of(root.get(WORDINGS))
    assert (row.clinic, row.body) == (world.hillside, "By root")


@pytest.mark.parametrize("wording", ALL, ids=lambda wording: f"{wording.template}.{wording.channel}.{wording.language}")
def test_the_preview_is_what_is_sent(world: World, owner: Client, postbox: list[Any], wording: Wording) -> None:
    subject = "" if wording.channel == "sms" else "Hi {clinic}"
    body = f"{standard_to_start_from(wording).body}\n\n{{clinic}} äöü"
    typed = {"template": wording.template, "channel": wording.channel, "language": wording.language}
    shown = owner.post(f"{WORDINGS}preview/", {**typed, "subject": subject, "body": body}).json()
    assert shown["faults"] == []
    choose(world.olga, body, subject=subject, wording=wording)
    if wording.channel == "in_app":
        message = compose_message(
            NewMessage(
                about=About(world.clinic.pk, world.paula.pk),
                kind=MessageKind.CHANGE,
                channel=DeliveryChannel.IN_APP,
                template=wording.template,
                recipient="p",
                context=sample_context(world.clinic, wording.language),
                language=wording.language,
            ),
            now=datetime.now(UTC),
        )
        with transaction.atomic():
            queue_messages([message])
    else:
        message = tell(world.clinic, wording)
    assert (message.subject, message.body) == (shown["subject"], shown["text"])
    if wording.channel == "email":
        assert part(sent(postbox), "text/html").strip() == shown["html"].strip()


@pytest.mark.parametrize("name", ["sam", "petra", "paula"])
def test_the_preview_is_the_owners_alone(world: World, name: str) -> None:
    client = sign_in(getattr(world, name))
    assert client.post(f"{WORDINGS}preview/", {"body": "Hi"}).status_code == 403
    assert client.get(f"{WORDINGS}add/").status_code == 403


def test_the_preview_refuses_as_saving_does(owner: Client) -> None:
    typed = {"template": "confirmed", "channel": "email", "language": "en", "subject": "Hi", "body": "{__class__}"}
    shown = owner.post(f"{WORDINGS}preview/", typed).json()
    assert shown["faults"][0].startswith("{__class__} is not known here.")
    assert shown["html"] == shown["text"] == ""
    assert owner.post(f"{WORDINGS}preview/", {}).json()["faults"] == ["There is no such message."]
    assert owner.get(f"{WORDINGS}preview/").status_code == 405


def test_no_template_code_of_a_clinic_reaches_a_template_engine(world: World, monkeypatch: Any) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("compiled")

    monkeypatch.setattr(type(engines["plain text"]), "from_string", refuse)
    MessageTemplate.objects.create(
        clinic=world.clinic,
        template="confirmed",
        channel="sms",
        language="en",
        updated_at=datetime.now(UTC),
        body="{% now 'Y' %} {{ clinic }}",
    )
    assert tell(world.clinic).body == "{% now 'Y' %} {{ clinic }}"
