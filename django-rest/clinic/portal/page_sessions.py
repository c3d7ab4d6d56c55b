"""The sign-in behind a page's session: listed among the account's sign-ins, and ended there."""

from django.contrib.auth import login
from django.http import HttpRequest

from clinic.accounts.models import User
from clinic.accounts.requests import device_of
from clinic.accounts.sign_ins import begin_page_sign_in, end_page_sign_in, note_seen
from clinic.common import clock

KEY = "sign_in"


def sign_in_of_page(request: HttpRequest) -> str:
    """Of a session from before there were any, or from the admin's sign-in page, one begins here."""
    assert isinstance(request.user, User)
    known: str | None = request.session.get(KEY)
    if known is not None:
        note_seen(known, now=clock.now())
        return known
    if request.session.session_key is None:
        request.session.save()
    sign_in = begin_page_sign_in(
        user=request.user,
        session_key=str(request.session.session_key),
        device=device_of(request),
        now=clock.now(),
    )
    request.session[KEY] = sign_in
    return sign_in


def sign_in_page(request: HttpRequest, user: User) -> None:
    """Sign a browser in. What it was signed in as before ends."""
    end_sign_in_of_page(request)
    login(request, user)
    request.session.pop(KEY, None)
    sign_in_of_page(request)


def end_sign_in_of_page(request: HttpRequest) -> None:
    if request.session.get(KEY) is not None and request.session.session_key is not None:
        end_page_sign_in(session_key=request.session.session_key, now=clock.now())
        del request.session[KEY]
