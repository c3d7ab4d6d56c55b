"""Twilio's call, signed as it signs, for an SMS that came in."""

import uuid

import httpx
from twilio.request_validator import RequestValidator

from testkit.live.stack import NO_CERTIFICATES
from testkit.stand_ins.twilio import ACCOUNT, NUMBER, SECRET


def answer_by_sms(public_url: str, *, sender: str, body: str, sid: str | None = None) -> httpx.Response:
    url = f"{public_url}/api/v1/twilio/webhook"
    form = {
        "MessageSid": sid or f"SM{uuid.uuid4().hex}",
        "AccountSid": ACCOUNT,
        "From": sender,
        "To": NUMBER,
        "Body": body,
    }
    signature = RequestValidator(SECRET).compute_signature(url, form)
    return httpx.post(url, data=form, headers={"X-Twilio-Signature": signature}, timeout=30, verify=NO_CERTIFICATES)
