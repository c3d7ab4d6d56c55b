"""SMS through Twilio's SDK, where `TWILIO_ACCOUNT_SID`, `TWILIO_AUTH_TOKEN` and `TWILIO_FROM` are set; else into files,
where `SMS_FOLDER` is.
"""

from functools import cache
from pathlib import Path

from django.conf import settings
from requests import ConnectionError, ConnectTimeout, Session  # noqa: A004 - the library's name
from requests.adapters import HTTPAdapter
from twilio.base.exceptions import TwilioRestException, TwilioServiceException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client
from urllib3.exceptions import MaxRetryError, NewConnectionError

from clinic.common import clock
from clinic.outbox.channels.failures import CannotBeDelivered, NoClearAnswer, NotReached, RefusedForNow, WantsNoSms
from clinic.outbox.models import Message

TIMEOUT_SECONDS = 8
# Connections that are kept. One beyond them would be opened, TLS and all, for one message alone.
POOL_SIZE = 32
# The account's token is wrong, or it sends too much: neither is the fault of this message.
UNAUTHORIZED, TOO_MANY_REQUESTS = 401, 429
# https://www.twilio.com/docs/api/errors/21610: the recipient has replied with STOP, or a word like it.
UNSUBSCRIBED = 21610
NOT_CONFIGURED = "No SMS provider is configured (TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_FROM)."
STATUS_PATH = "/api/v1/twilio/status"


def provider() -> str:
    shared = settings.SHARED
    if shared.twilio_account_sid and shared.twilio_auth_token and shared.twilio_from:
        return "twilio"
    return "folder" if shared.sms_folder else "none"


def send(message: Message) -> str:
    """Returns Twilio's sid. Raises CannotBeDelivered, or what may be better later: 401, 429, 5xx, silence."""
    shared = settings.SHARED
    if shared.twilio_account_sid and shared.twilio_auth_token and shared.twilio_from:
        client = _client(shared.twilio_account_sid, shared.twilio_auth_token.get_secret_value(), shared.twilio_base_url)
        return _send_by_twilio(client, message, sender=shared.twilio_from)
    if shared.sms_folder:
        return _write(message, Path(shared.sms_folder))
    raise CannotBeDelivered(NOT_CONFIGURED, code="not_configured")


def _write(message: Message, folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{clock.now():%Y%m%d-%H%M%S}-{message.pk}.txt"
    (folder / name).write_text(f"To: {message.recipient}\n\n{message.body}\n", encoding="utf-8")
    return name


def _send_by_twilio(client: Client, message: Message, *, sender: str) -> str:
    try:
        sent = client.messages.create(
            to=message.recipient, from_=sender, body=message.body, status_callback=_status_callback()
        )
    except (TwilioRestException, TwilioServiceException) as refusal:
        raise _refusal(refusal) from refusal
    except ConnectionError as error:
        if _was_not_reached(error):
            raise NotReached(f"{type(error).__name__}: {error}") from error
        raise
    return sent.sid or ""


def _was_not_reached(error: ConnectionError) -> bool:
    cause = error.args[0] if error.args else None
    return isinstance(error, ConnectTimeout) or (
        isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)
    )


def _refusal(refusal: TwilioRestException | TwilioServiceException) -> Exception:
    # Its own text has colours where somebody looks on.
    words = refusal.msg if isinstance(refusal, TwilioRestException) else refusal.detail or refusal.title
    number = refusal.code or refusal.status
    said, code = f"Twilio {number}: {words}", f"twilio_{number}"
    if refusal.status in (UNAUTHORIZED, TOO_MANY_REQUESTS):
        return RefusedForNow(said, code=code)
    if refusal.status >= 500:  # It may have failed after it took the message, or something before it has.
        return NoClearAnswer(said, code=code)
    return WantsNoSms(said, code=code) if refusal.code == UNSUBSCRIBED else CannotBeDelivered(said, code=code)


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
    http_client.session.mount("https://", HTTPAdapter(pool_maxsize=POOL_SIZE))
    http_client.session.mount("http://", HTTPAdapter(pool_maxsize=POOL_SIZE))
    _read_environment_once(http_client.session, client.api.base_url)
    return client


def _read_environment_once(session: Session, url: str) -> None:
    """Proxies and certificates: requests would look for them in every variable with every message."""
    found = session.merge_environment_settings(url, {}, None, None, None)
    session.proxies, session.verify, session.trust_env = found["proxies"], found["verify"], False
