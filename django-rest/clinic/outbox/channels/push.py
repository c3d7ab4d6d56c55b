"""Web push (RFC 8030): encrypted for one browser, handed to the push service that the browser named.

The service's address comes from whoever subscribed, so it is called only where it is a public one, over TLS, and
never followed elsewhere. What is sent says nothing about anybody's health: a sentence, and where to read on.
"""

import ipaddress
import json
import socket
from contextlib import suppress
from functools import cache
from threading import Timer
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from py_vapid import Vapid02
from requests import ConnectionError, ConnectTimeout, RequestException, Response, Session  # noqa: A004 - its name
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

from clinic.outbox.channels.failures import CannotBeDelivered, NoClearAnswer, NotReached, RefusedForNow
from clinic.outbox.models import Message, MessageKind, PushSubscription
from clinic.outbox.push_keys import private_key_of

# For each step of a call; and for all of it, since a timeout of a socket begins anew with every byte.
TIMEOUT_SECONDS = 8
CALL_SECONDS = 10.0
# A push service keeps it so long for a phone that is off.
MAX_KEPT_SECONDS = 12 * 60 * 60
# The browser has withdrawn the subscription.
GONE = (404, 410)
REFUSED_FOR_NOW = (401, 403, 429)


TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")


class NotAPushAddress(CannotBeDelivered):
    """Raised for an address that is not public, or not https."""

    def __init__(self) -> None:
        super().__init__("The address of the push service is not a public one.", code="not_a_push_address")


def provider() -> str:
    return "web_push"


def send(message: Message) -> str:
    """Returns the push service's address of the message, if it names one. Raises CannotBeDelivered, RefusedForNow,
    NotReached, NoClearAnswer. A subscription that is gone is deleted."""
    secret = settings.SHARED.vapid_secret
    if secret is None:
        raise CannotBeDelivered("No keys of web push are set (VAPID_SECRET).", code="not_configured")
    subscription = PushSubscription.objects.select_related("appointment").filter(pk=int(message.recipient)).first()
    if subscription is None:
        raise CannotBeDelivered("The browser wants no web push any more.", code="not_subscribed")
    check_address(subscription.endpoint)
    answer = _post(subscription, _payload_of(message, subscription), message, secret.get_secret_value())
    if answer.status_code in GONE:
        subscription.delete()
        raise CannotBeDelivered("The browser has withdrawn its subscription.", code="not_subscribed")
    said, code = f"The push service answered {answer.status_code}.", f"push_{answer.status_code}"
    if answer.status_code in REFUSED_FOR_NOW:
        raise RefusedForNow(said, code=code)
    if answer.status_code >= 500:
        raise NoClearAnswer(said, code=code)
    if not answer.ok or answer.is_redirect:
        raise CannotBeDelivered(said, code=code)
    return answer.headers.get("Location", "")[:64]


def check_address(endpoint: str) -> None:
    """Raises NotAPushAddress for what can be told without a look-up."""
    try:
        if _is_stand_in(endpoint):
            return
        parts = urlsplit(endpoint)
        is_wrong = parts.scheme != "https" or not parts.hostname or parts.username is not None or parts.port == 0
        host = parts.hostname or ""
    except ValueError:  # Brackets that do not close, a port beyond 65535.
        is_wrong, host = True, ""
    if is_wrong or not _may_be_public(host):
        raise NotAPushAddress


def is_public(address: str) -> bool:
    """Whether this IP address is one of the internet's, also behind a translation from IPv6 (RFC 6052)."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address) and ip in TRANSLATED:
        ip = ipaddress.IPv4Address(ip.packed[-4:])
    return ip.is_global and not ip.is_multicast


def _may_be_public(host: str) -> bool:
    try:
        return is_public(host)
    except ValueError:
        return "." in host and not host.endswith((".local", ".internal", ".localhost", ".home.arpa"))


def _payload_of(message: Message, subscription: PushSubscription) -> str:
    link = "/me"
    if message.kind == MessageKind.OFFER and message.offer is not None:
        link = f"/offer/{message.offer.token}"
    elif subscription.appointment is not None and subscription.appointment.reference:
        link = f"/a/{subscription.appointment.reference}"
    words = {"title": message.subject, "body": message.body, "url": link, "language": message.language}
    return json.dumps(words, ensure_ascii=False)


def _post(subscription: PushSubscription, payload: str, message: Message, secret: str) -> Response:
    seconds = MAX_KEPT_SECONDS
    if message.expires_at is not None:
        seconds = max(0, min(seconds, int((message.expires_at - message.send_at).total_seconds())))
    keys = {"p256dh": subscription.p256dh, "auth": subscription.auth}
    # Takes a tenth of a process's start, and most processes push nothing.
    from pywebpush import WebPusher, WebPushException

    try:
        with _session() as session:
            pusher = WebPusher({"endpoint": subscription.endpoint, "keys": keys}, requests_session=session)
            headers = {**_vapid_of(secret).sign(_claims(subscription.endpoint)), "Urgency": "high"}
            answer: Any = pusher.send(payload, headers, ttl=seconds, timeout=TIMEOUT_SECONDS)
    except (WebPushException, ValueError) as error:
        said = f"The subscription is not usable: {type(error).__name__}."
        raise CannotBeDelivered(said, code="unusable_subscription") from error
    except ConnectionError as error:
        if isinstance(error, ConnectTimeout) or _was_not_reached(error):
            raise NotReached(f"{type(error).__name__}") from error
        raise
    except RequestException as error:
        raise NoClearAnswer(f"{type(error).__name__}") from error
    response: Response = answer
    return response


def _was_not_reached(error: ConnectionError) -> bool:
    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", None), NewConnectionError)


def _claims(endpoint: str) -> dict[str, Any]:
    parts = urlsplit(endpoint)
    who = settings.SHARED.public_url or "mailto:no-reply@localhost"
    return {"aud": f"{parts.scheme}://{parts.netloc}", "sub": who}


@cache
def _vapid_of(secret: str) -> Vapid02:
    return Vapid02(private_key_of(secret))


def _is_stand_in(endpoint: str) -> bool:
    """Of tests: an address that would be refused otherwise."""
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc}" in settings.PUSH_STAND_INS


class _Bounded:
    """Of a connection: it is cut when the time of the whole call is over, whatever trickles in."""

    _guard: socket.socket | None = None
    _timer: Timer | None = None

    def _new_conn(self) -> socket.socket:
        connected: socket.socket = super()._new_conn()  # type: ignore[misc]
        # A descriptor of its own: TLS takes the other one over.
        self._guard = connected.dup()
        self._timer = Timer(CALL_SECONDS, _cut, [self._guard])
        self._timer.daemon = True
        self._timer.start()
        return connected

    def close(self) -> None:
        if self._timer is not None and self._guard is not None:
            self._timer.cancel()
            self._guard.close()
        super().close()  # type: ignore[misc]


def _cut(connected: socket.socket) -> None:
    with suppress(OSError):  # Closed meanwhile.
        connected.shutdown(socket.SHUT_RDWR)


class _PlainConnection(_Bounded, HTTPConnection):
    """Of stand-ins alone."""


class _PublicConnection(_Bounded, HTTPSConnection):
    """Only to a public address: no other is called, and a name that leads somewhere else by now is refused."""

    def _new_conn(self) -> socket.socket:
        with suppress(OSError):  # Said by the call itself.
            found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
            if not all(is_public(str(address[0])) for *_, address in found):
                raise NotAPushAddress
        connected = super()._new_conn()
        if not is_public(connected.getpeername()[0]):
            connected.close()
            raise NotAPushAddress
        return connected


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _PublicPool(HTTPSConnectionPool):
    ConnectionCls = _PublicConnection


class _PushAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _PublicPool}


class _PushSession(Session):
    def post(self, url: Any, *args: Any, **kwargs: Any) -> Response:
        """Status and headers; the body is not read, however long it is."""
        with super().post(url, *args, allow_redirects=False, stream=True, **kwargs) as answer:
            seen = Response()
            seen.status_code, seen.headers = answer.status_code, answer.headers
        return seen


def _session() -> Session:
    session = _PushSession()
    session.trust_env = False
    session.adapters.clear()
    session.mount("https://", _PushAdapter())
    for origin in settings.PUSH_STAND_INS:
        session.mount(origin, _PushAdapter())
    return session
