"""Sentences that a page shows once after a step, and for some seconds the button that undoes the step."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.functional import Promise

from clinic.common import clock
from clinic.common.errors import ChairsideError
from clinic.portal.settings.refusals import sentence_of

UNDO = "undo"


@dataclass(frozen=True, slots=True)
class UndoOffer:
    """`url` takes a POST with `fields`; `seconds` are left."""

    sentence: str
    url: str
    fields: dict[str, Any]
    seconds: float


def leave(request: HttpRequest, url: str, sentence: str | Promise) -> HttpResponse:
    """To another page, which shows the sentence."""
    messages.success(request, str(sentence))
    return HttpResponseRedirect(url)


def leave_refused(request: HttpRequest, url: str, refusal: ChairsideError) -> HttpResponse:
    messages.error(request, sentence_of(refusal))
    return HttpResponseRedirect(url)


def leave_with_undo(
    request: HttpRequest, url: str, sentence: str, *, undo_url: str, until: datetime, **fields: Any
) -> HttpResponse:
    """A step that a patient is told of at `until`."""
    if until <= clock.now():
        return leave(request, url, sentence)
    request.session[UNDO] = {
        "sentence": sentence,
        "url": undo_url,
        "fields": fields,
        "until": until.timestamp(),
    }
    return HttpResponseRedirect(url)


def undo_offer(request: HttpRequest) -> UndoOffer | None:
    """The last step, while it can be undone."""
    kept: Any = request.session.get(UNDO)
    if kept is None:
        return None
    seconds = kept["until"] - clock.now().timestamp()
    if seconds <= 0:
        del request.session[UNDO]
        return None
    return UndoOffer(kept["sentence"], kept["url"], kept["fields"], seconds)


def forget_undo(request: HttpRequest) -> None:
    request.session.pop(UNDO, None)
