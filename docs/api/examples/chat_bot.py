"""A bot that books, moves and cancels: python chat_bot.py http://localhost:8000 CLINIC, then type what you want."""

import json
import sys
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

API, CLINIC = f"{sys.argv[1]}/api/v1/chat", sys.argv[2]


def call(step: str, **given: Any) -> dict[str, Any]:
    """POST a body; with a name that ends in `?`, GET by a query. Says what the clinic says."""
    if step.endswith("?"):
        request = Request(f"{API}/{step}{urlencode(given)}")
    else:
        request = Request(f"{API}/{step}", json.dumps(given).encode(), {"Content-Type": "application/json"})
    try:
        with urlopen(request, timeout=20) as response:
            answer = json.load(response)
    except HTTPError as refusal:
        answer = json.load(refusal)
    print(f"bot: {answer['say']}", flush=True)
    return answer


def hold() -> dict[str, Any]:
    """Choose one of the next times of a day, and keep it."""
    when = input("which day, as 2026-12-24, or soonest? ")
    times = call("times?", clinic=CLINIC, when=when)["times"]
    chosen = times[int(input("which one, 1 to 3? ")) - 1]
    return call("hold", clinic=CLINIC, start=chosen["start"], practitioner=chosen["practitioner"])


reference = ""
while True:
    match input("book, move, cancel or bye? ").split():
        case ["book"]:
            held, name, phone = hold(), input("your name? "), input("your phone? ")
            reference = call("book", hold=held.get("hold", ""), name=name, phone=phone).get("reference", "")
        case ["move"]:
            call("move", hold=hold().get("hold", ""), reference=reference)
        case ["cancel"]:
            call("cancel", reference=reference)
        case ["bye"]:
            break
