"""E-mail through Django's backend: SMTP where `EMAIL_HOST` is set, else files in `EMAIL_FOLDER`."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.utils import parseaddr
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.validators import validate_email

from clinic.outbox.attachments import Attachment
from clinic.outbox.channels.failures import CannotBeDelivered, NotReached, RefusedForNow
from clinic.outbox.mail import html_of, signed
from clinic.outbox.models import Message

# RFC 5321, 4.2.1: a reply that begins with 5 is for good.
PERMANENT = range(500, 600)
# Not text/calendar: readers that act on the alternative would take it twice.
FILE_OF_INVITATION = "application/ics"


def provider() -> str:
    """Name of Django's backend: smtp, filebased, …"""
    return str(settings.EMAIL_BACKEND.split(".")[-2])


def send(message: Message) -> str:
    """Returns the Message-ID. Raises CannotBeDelivered, or what the server's silence raises."""
    if not settings.EMAIL_IS_CONFIGURED:
        raise CannotBeDelivered("No e-mail server is configured (EMAIL_HOST).", code="not_configured")
    try:
        validate_email(message.recipient)
    except ValidationError:
        raise CannotBeDelivered("The address is not valid.", code="invalid_address") from None
    message_id = _message_id(message)
    clinic = message.clinic
    body = signed(message.body, clinic.contact if clinic is not None else "")
    mail = EmailMultiAlternatives(
        message.subject,
        body,
        to=[message.recipient],
        reply_to=[clinic.email] if clinic is not None and clinic.email else None,
        headers={"Message-ID": message_id},
    )
    clinic_name = clinic.name if clinic is not None else "Chairside"
    html = html_of(message.subject, body, clinic_name=clinic_name, language=message.language)
    mail.attach_alternative(html, "text/html")
    if message.attachment is not None:
        _attach(mail, Attachment(**message.attachment))
    try:
        with _open_connection() as mail.connection:
            mail.send()
    except SMTPRecipientsRefused as refusal:
        code, said = next(iter(refusal.recipients.values()))
        raise _refusal(code, said, refusal) from refusal
    except SMTPResponseException as refusal:
        raise _refusal(refusal.smtp_code, refusal.smtp_error, refusal) from refusal
    return message_id


def _attach(mail: EmailMultiAlternatives, attachment: Attachment) -> None:
    """An invitation is the third alternative, as Outlook and Gmail expect it; the file is for other readers."""
    content_type = attachment.content_type
    if attachment.is_invitation:
        mail.attach_alternative(attachment.text, content_type)
        content_type = FILE_OF_INVITATION
    mail.attach(attachment.name, attachment.text, content_type)


@contextmanager
def _open_connection() -> Iterator[BaseEmailBackend]:
    """Raises NotReached. A mail that was taken stays so, even if the server's goodbye fails."""
    connection = get_connection()
    try:
        connection.open()
    except SMTPResponseException:
        raise
    except (OSError, SMTPException) as error:
        raise NotReached(f"{type(error).__name__}: {error}") from error
    try:
        yield connection
    finally:
        with suppress(OSError, SMTPException):
            connection.close()


def _message_id(message: Message) -> str:
    """The same in every attempt, so that a mail server or reader that got it twice can tell."""
    _, sender = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return f"<message.{message.pk}.{message.created_at:%Y%m%d%H%M%S%f}@{sender.rpartition('@')[2] or 'localhost'}>"


def _refusal(code: int, said: bytes | str, original: Exception) -> Exception:
    if code not in PERMANENT:
        return RefusedForNow(f"{type(original).__name__}: {original}", code=f"smtp_{code}")
    words = said.decode(errors="replace") if isinstance(said, bytes) else said
    return CannotBeDelivered(f"{code} {words}", code=f"smtp_{code}")
