"""SMS through Twilio's SDK, where `TWILIO_ACCOUNT_SID`, `TWILIO_AUTH_TOKEN` and `TWILIO_FROM` are set."""

from functools import cache

from django.conf import settings
from requests import Session
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from clinic.outbox.channels.failures import CannotBeDelivered, WantsNoSms
from clinic.outbox.models import Message

TIMEOUT_SECONDS = 8
TOO_MANY_REQUESTS = 429
# https://www.twilio.com/docs/api/errors/21610: the recipient has replied with STOP, or a word like it.
UNSUBSCRIBED = 21610
STATUS_PATH = "/api/v1/twilio/status"


def send(message: Message) -> str:
    """Returns Twilio's sid. Raises CannotBeDelivered, or what may be better later: 429, 5xx, silence."""
    shared = settings.SHARED
    if not (shared.twilio_account_sid and shared.twilio_auth_token and shared.twilio_from):
        raise CannotBeDelivered("No SMS provider is configured (TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_FROM).")
    client = _client(shared.twilio_account_sid, shared.twilio_auth_token.get_secret_value(), shared.twilio_base_url)
    try:
        sent = client.messages.create(
            to=message.recipient, from_=shared.twilio_from, body=message.body, status_callback=_status_callback()
        )
    except TwilioRestException as refusal:
        if refusal.status == TOO_MANY_REQUESTS or refusal.status >= 500:
            raise
        if refusal.code == UNSUBSCRIBED:
            raise WantsNoSms(f"Twilio {refusal.code}: {refusal.msg}") from refusal
        raise CannotBeDelivered(f"Twilio {refusal.code or refusal.status}: {refusal.msg}") from refusal
    return sent.sid or ""


def _status_callback() -> str | None:
    """Where Twilio says what became of it, if it can reach us at all."""
    public_url: str | None = settings.SHARED.public_url
    return f"{public_url}{STATUS_PATH}" if public_url else None


@cache
def _client(account_sid: str, auth_token: str, base_url: str | None) -> Client:
    http_client = TwilioHttpClient(timeout=TIMEOUT_SECONDS)
    client = Client(account_sid, auth_token, http_client=http_client)
    if base_url:
        client.api.base_url = base_url
    _read_environment_once(http_client.session, client.api.base_url)
    return client


def _read_environment_once(session: Session, url: str) -> None:
    """Proxies and certificates: requests would look for them in every variable with every message."""
    found = session.merge_environment_settings(url, {}, None, None, None)
    session.proxies, session.verify, session.trust_env = found["proxies"], found["verify"], False
