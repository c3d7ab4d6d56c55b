"""Messages: conversations with patients, those that wait for an answer first."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from clinic.accounts.models import DESK_ROLES
from clinic.common import clock
from clinic.common.errors import ChairsideError, NotFound
from clinic.common.limits import limit_user
from clinic.messaging.conversations import (
    MAX_REPLY_LENGTH,
    ConversationLine,
    conversation_of_patient,
    conversation_of_phone,
    list_conversations,
)
from clinic.messaging.services.conversations import (
    REPLIES,
    reply_to_sms,
    send_message_again,
    settle_sms,
    unsettle_sms,
    withdraw_reply,
)
from clinic.outbox.models import DeliveryChannel
from clinic.outbox.optouts import is_opted_out
from clinic.people.models import Patient
from clinic.people.queries import MAX_SEARCH_LENGTH, get_patient_for, patients_visible_to
from clinic.portal.flashes import forget_undo, leave, leave_refused, leave_with_undo
from clinic.portal.form_values import instant_in, number_in
from clinic.portal.settings.refusals import sentence_of
from clinic.portal.views.records import RecordsPage

MAX_NAMED = 5


class MessagesPage(RecordsPage):
    """A list of conversations, and the one that is chosen beside it."""

    section = "messages"
    roles = DESK_ROLES
    template_name = "portal/messages/page.html"
    fragment_name = "portal/messages/part.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.show()

    def show(self, *, text: str = "", refusal: str = "") -> HttpResponse:
        search = self.request.GET.get("search", "").strip()[:MAX_SEARCH_LENGTH]
        found = list_conversations(self.user, search=search, before=instant_in(self.request.GET.get("before", "")))
        chosen = self._chosen()
        older = urlencode({"before": found.before.isoformat()}) if found.before is not None else ""
        return self.render(
            found=found, search=search, chosen=chosen, older=older, text=text, refusal=refusal, most=MAX_REPLY_LENGTH
        )

    def _chosen(self) -> dict[str, Any] | None:
        patient, phone = number_in(self.request.GET.get("patient", "")), self.request.GET.get("phone", "").strip()
        if patient is not None:
            record = get_patient_for(self.user, patient)
            if not record.phone:
                return _conversation([record], "", conversation_of_patient(self.user, record.pk))
            phone = record.phone
        if not phone:
            return None
        people = list(patients_visible_to(self.user).filter(phone=phone).order_by("name", "id")[:MAX_NAMED])
        lines = conversation_of_phone(self.user, phone)
        if not people and not lines:
            raise NotFound
        return _conversation(people, phone, lines)


def _conversation(patients: list[Patient], phone: str, lines: list[ConversationLine]) -> dict[str, Any]:
    received = next((line.received for line in lines if line.received is not None), None)
    return {
        "patients": patients,
        "phone": phone,
        "lines": lines[::-1],
        "received": received,
        "wants_no_sms": received is not None and is_opted_out(DeliveryChannel.SMS, received.phone),
        "query": urlencode({"phone": phone} if phone else {"patient": patients[0].pk}),
    }


class MessageStepPage(RecordsPage):
    """One button of a message. Back to its conversation."""

    section = "messages"
    roles = DESK_ROLES
    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            sentence = self.take()
        except NotFound:
            raise
        except ChairsideError as refusal:
            return leave_refused(request, self.url, refusal)
        return leave(request, self.url, sentence)

    @property
    def url(self) -> str:
        return self.back_to(reverse("messages"))

    def take(self) -> str:
        raise NotImplementedError


class ReplyPage(MessageStepPage):
    """A reply that is refused keeps its words."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        text, received_id = request.POST.get("text", "").strip(), self.kwargs["received_id"]
        if not text or len(text) > MAX_REPLY_LENGTH:
            return self._again(_("Write a reply of %(most)d letters at most.") % {"most": MAX_REPLY_LENGTH}, text)
        try:
            limit_user(REPLIES, self.user.pk, now=clock.now())
            reply = reply_to_sms(user=self.user, received_id=received_id, text=text, now=clock.now())
        except NotFound:
            raise
        except ChairsideError as refusal:
            return self._again(sentence_of(refusal), text)
        undo_url = reverse("messages-withdraw", args=[received_id])
        sentence = _("Your reply is sent unless you undo it.")
        return leave_with_undo(request, self.url, sentence, undo_url=undo_url, until=reply.send_at, back=self.url)

    def _again(self, refusal: str, text: str) -> HttpResponse:
        page = MessagesPage()
        page.setup(self.request, **self.kwargs)
        query = self.url.partition("?")[2]
        page.request.GET = type(self.request.GET)(query)
        return page.show(text=text, refusal=refusal)


class WithdrawPage(MessageStepPage):
    def take(self) -> str:
        forget_undo(self.request)
        withdraw_reply(user=self.user, received_id=self.kwargs["received_id"])
        return _("Undone. The reply is not sent.")


class SettlePage(MessageStepPage):
    def take(self) -> str:
        if self.request.POST.get("waits") == "1":
            unsettle_sms(user=self.user, received_id=self.kwargs["received_id"])
            return _("It waits for an answer again.")
        settle_sms(user=self.user, received_id=self.kwargs["received_id"], now=clock.now())
        return _("Put aside. Nobody has to answer it.")


class SendAgainPage(MessageStepPage):
    def take(self) -> str:
        send_message_again(user=self.user, message_id=self.kwargs["message_id"], now=clock.now())
        return _("It is sent again.")
