"""Judgement of every message after workers were killed: sent, lost, or taken twice, and for what reason."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from enum import StrEnum

from clinic.outbox.models import Message
from django.db import connection

from .worker_crew import Sent, worker_of

WAITING = {"queued", "sending"}
# An answer that came longer before the kill was certainly read.
WINDOW_AT_MOST_SECONDS = 1.0
# From kill(2) until the process stands still, and what two clocks differ by.
TOLERANCE_SECONDS = 0.05
# Keeps when the database was told of an outcome, which the product has no column for.
OUTCOME_TIMES = [
    "CREATE TABLE outcome_time (message_id BIGINT NOT NULL, state VARCHAR(10) NOT NULL, at DOUBLE NOT NULL)",
    "CREATE TRIGGER outcome_time AFTER UPDATE ON message FOR EACH ROW INSERT INTO outcome_time"
    " VALUES (NEW.id, NEW.state, UNIX_TIMESTAMP(SYSDATE(6)))",
]
COMMIT = "INSERT INTO outcome_time VALUES (0, '', 0)"


class Reason(StrEnum):
    """Why a provider took a message that the database does not know to be taken."""

    ANSWER_FAILED = "the provider took it, and its answer failed"
    KILLED_WAITING = "killed while the provider was answering"
    KILLED_BEFORE_UPDATE = "killed between the answer and the UPDATE"


@dataclass
class Verdict:
    messages: int
    states: Counter[str]
    never_taken: int = 0
    sent_only_in_name: int = 0
    repeats: int = 0
    reasons: Counter[Reason] = field(default_factory=Counter)
    without_reason: int = 0
    windows: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    waiting_seconds: float = 0.0
    still_waiting: int = 0


def judge(sent: list[Sent], killed_at: dict[str, float]) -> Verdict:
    with connection.cursor() as cursor:
        cursor.execute("SELECT message_id, MIN(at) FROM outcome_time WHERE state = 'sent' GROUP BY message_id")
        kept_at: dict[int, float] = dict(cursor.fetchall())
    rows = list(Message.objects.values_list("pk", "recipient", "channel", "state"))
    taken: dict[str, list[Sent]] = defaultdict(list)
    for one in sent:
        taken[one.recipient].append(one)
    verdict = Verdict(len(rows), Counter(state for *_, state in rows))
    verdict.waiting_seconds = sum(one.answered_at - one.taken_at for one in sent if one.answered_at is not None)
    for message_id, recipient, channel, state in rows:
        calls = sorted(taken[recipient], key=lambda one: one.taken_at)
        kept = kept_at.get(message_id)
        verdict.never_taken += not calls and state not in WAITING
        verdict.still_waiting += state in WAITING
        verdict.sent_only_in_name += not calls and kept is not None
        reasons = [reason for one in calls if (reason := reason_of(one, killed_at, kept)) is not None]
        repeats = max(0, len(calls) - 1)
        verdict.repeats += repeats
        verdict.reasons.update(reasons[:repeats])
        verdict.without_reason += max(0, repeats - len(reasons))
        if kept is not None:
            answers = [one.answered_at for one in calls if one.answered_at is not None and one.answered_at <= kept]
            verdict.windows[channel] += [kept - max(answers)] if answers else []
    return verdict


def reason_of(sent: Sent, killed_at: dict[str, float], kept_at: float | None) -> Reason | None:
    """None where the database has the outcome, or should have it."""
    if sent.mishap is not None:
        return Reason.ANSWER_FAILED
    killed = killed_at.get(worker_of(sent))
    if killed is None:
        return None
    if sent.answered_at is None or sent.answered_at >= killed:
        return Reason.KILLED_WAITING
    was_kept = kept_at is not None and sent.answered_at <= kept_at <= killed + TOLERANCE_SECONDS
    is_in_window = killed - sent.answered_at <= WINDOW_AT_MOST_SECONDS
    return Reason.KILLED_BEFORE_UPDATE if is_in_window and not was_kept else None
