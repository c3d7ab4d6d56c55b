"""Visits in the way of a change, and what the owner decides about each: move, keep or cancel it. Each is done by the
service of its step, and can be undone like every step."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from clinic.accounts.models import User
from clinic.appointments.actor import UserActor
from clinic.appointments.lifecycle import Action
from clinic.appointments.models import Appointment, Channel
from clinic.appointments.queries import appointments_visible_to
from clinic.appointments.services.decisions import change_status
from clinic.appointments.services.moving import Edit, edit_appointment
from clinic.clinic_setup.conflicts import FreeTime, PlannedChange, free_times_for
from clinic.common.errors import ChairsideError
from clinic.common.instants import say_minute, zone_of
from clinic.common.versions import Expected
from clinic.outbox.wording import say_when
from clinic.portal.form_values import instant_in, number_in
from clinic.portal.settings.refusals import sentence_of
from clinic.scheduling.models import Clinic, clock_of

DecisionKind = Literal["move", "keep", "cancel"]
KINDS: tuple[DecisionKind, ...] = ("move", "keep", "cancel")
OUTCOMES = "settings_outcomes"
OUTCOMES_SHOWN_FOR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class VisitDecision:
    kind: DecisionKind
    practitioner_id: int | None = None
    start: datetime | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Decisions:
    """Decisions that the page sent: one for each visit, and one for all others."""

    by_visit: Mapping[int, VisitDecision]
    rest: DecisionKind | None

    def cover(self, ids: Collection[int], *, count: int) -> bool:
        """Whether each of these is decided; beyond those that are listed, only the one for all others counts."""
        return self.rest is not None or (count <= len(ids) and all(one in self.by_visit for one in ids))

    def of(self, appointment_id: int) -> VisitDecision | None:
        decided = self.by_visit.get(appointment_id)
        return decided if decided is not None or self.rest is None else VisitDecision(self.rest)


def decisions_in(sent: Mapping[str, Any]) -> Decisions:
    by_visit: dict[int, VisitDecision] = {}
    for name, kind in sent.items():
        visit_id = number_in(name.removeprefix("visit-"))
        if not (name.startswith("visit-") and visit_id is not None and kind in KINDS):
            continue
        practitioner, _at, instant = str(sent.get(f"to-{visit_id}", "")).partition("@")
        practitioner_id, start = number_in(practitioner), instant_in(instant)
        if kind == "move" and (practitioner_id is None or start is None):
            continue
        by_visit[visit_id] = VisitDecision(
            kind,
            practitioner_id if kind == "move" else None,
            start if kind == "move" else None,
            number_in(str(sent.get(f"version-{visit_id}", ""))),
        )
    rest = sent.get("rest")
    return Decisions(by_visit, rest if rest in ("keep", "cancel") else None)


@dataclass(frozen=True, slots=True)
class VisitRow:
    """A visit as it is listed, with the times to which it can move."""

    appointment: Appointment
    when: str
    times: Sequence[tuple[str, str]]
    decided: VisitDecision | None = None

    @property
    def chosen_time(self) -> str:
        if self.decided is None or self.decided.start is None:
            return ""
        return f"{self.decided.practitioner_id}@{self.decided.start.isoformat()}"


def visits_by_id(user: User, ids: Collection[int]) -> list[Appointment]:
    """Of these, those that the user may see, in order. One query."""
    rows = appointments_visible_to(user).filter(pk__in=ids)
    return list(rows.select_related("patient", "practitioner", "service", "clinic").order_by("starts_at", "id"))


def visit_rows(
    visits: Sequence[Appointment],
    clinic: Clinic,
    change: PlannedChange | None,
    *,
    now: datetime,
    decisions: Decisions | None = None,
) -> list[VisitRow]:
    """Without a change, no times to move to."""
    times = {} if change is None else free_times_for(visits, clinic, change, now=now)
    zone = zone_of(clinic.timezone)
    return [
        VisitRow(
            visit,
            say_local(visit.starts_at, clinic),
            [_option(one, visit, clinic, zone) for one in times.get(visit.pk, ())],
            None if decisions is None else decisions.by_visit.get(visit.pk),
        )
        for visit in visits
    ]


def _option(one: FreeTime, visit: Appointment, clinic: Clinic, zone: ZoneInfo) -> tuple[str, str]:
    words = say_local(one.slot.start, clinic)
    if one.practitioner.pk != visit.practitioner_id:
        words = _("%(when)s with %(practitioner)s") % {"when": words, "practitioner": one.practitioner.name}
    return f"{one.practitioner.pk}@{say_minute(one.slot.start, zone)}", words


def say_local(at: datetime, clinic: Clinic) -> str:
    """On the clinic's clock, in the reader's language."""
    language = (get_language() or "en").partition("-")[0]
    return say_when(at, zone_of(clinic.timezone), language, **clock_of(clinic))


def say_count(count: int, *, one_day: bool = False) -> str:
    if one_day:
        return ngettext(
            "One visit is booked that day. Move, keep or cancel it.",
            "%(count)s visits are booked that day. Move, keep or cancel them.",
            count,
        ) % {"count": _small(count)}
    return ngettext(
        "One visit is booked in this time. Move, keep or cancel it.",
        "%(count)s visits are booked in this time. Move, keep or cancel them.",
        count,
    ) % {"count": _small(count)}


def _small(count: int) -> str:
    """As a word that begins a sentence."""
    words = {
        2: _("Two"),
        3: _("Three"),
        4: _("Four"),
        5: _("Five"),
        6: _("Six"),
        7: _("Seven"),
        8: _("Eight"),
        9: _("Nine"),
        10: _("Ten"),
        11: _("Eleven"),
        12: _("Twelve"),
    }
    return words.get(count, str(count))


@dataclass(frozen=True, slots=True)
class DecisionOutcome:
    """The end of a decision about a visit. `state`: done, kept, refused or undone."""

    visit: int
    sentence: str
    state: Literal["done", "kept", "refused", "undone"]
    version: int
    undo_until: str = ""


def carry_out(
    visits: Sequence[Appointment], decisions: Decisions, *, user: User, reason: str, now: datetime
) -> list[DecisionOutcome]:
    """Each in a transaction of its own: one that is refused does not hold up the others."""
    actor = UserActor(user, Channel.PORTAL)
    return [
        _carry_out(visit, decision, actor=actor, reason=reason, now=now)
        for visit in visits
        for decision in [decisions.of(visit.pk)]
        if decision is not None
    ]


def _carry_out(
    visit: Appointment, decision: VisitDecision, *, actor: UserActor, reason: str, now: datetime
) -> DecisionOutcome:
    words = {"patient": visit.patient.name, "when": say_local(visit.starts_at, visit.clinic)}
    if decision.kind == "keep":
        return DecisionOutcome(visit.pk, _("%(patient)s, %(when)s: kept as booked.") % words, "kept", visit.version)
    expected = Expected(decision.version)
    try:
        if decision.kind == "move":
            edit = Edit(start=decision.start, practitioner_id=decision.practitioner_id)
            done = edit_appointment(actor=actor, appointment_id=visit.pk, edit=edit, now=now, expected=expected)
            words["new"] = say_local(done.starts_at, visit.clinic)
            sentence = _("%(patient)s, %(when)s: moved to %(new)s.") % words
        else:
            done = change_status(
                actor=actor,
                appointment_id=visit.pk,
                action=Action.CANCEL,
                now=now,
                reason=reason,
                expected=expected,
            )
            sentence = _("%(patient)s, %(when)s: cancelled.") % words
    except ChairsideError as refusal:
        sentence = f"{words['patient']}, {words['when']}: {sentence_of(refusal)}"
        return DecisionOutcome(visit.pk, sentence, "refused", visit.version)
    seconds = visit.clinic.undo_seconds
    until = (now + timedelta(seconds=seconds)).isoformat() if seconds else ""
    return DecisionOutcome(visit.pk, sentence, "done", done.version, until)


def keep_outcomes(request: HttpRequest, path: str, outcomes: Sequence[DecisionOutcome], *, now: datetime) -> None:
    """For the page that is shown next."""
    rows = [asdict(one) for one in outcomes]
    request.session[OUTCOMES] = {"path": path, "at": now.isoformat(), "rows": rows}


def outcomes_of(request: HttpRequest, *, now: datetime) -> list[dict[str, Any]]:
    """Outcomes of the last change from this page, with the seconds for which each can be undone."""
    kept = request.session.get(OUTCOMES)
    if not kept or kept["path"] != request.path:
        return []
    if now - datetime.fromisoformat(kept["at"]) > OUTCOMES_SHOWN_FOR:
        return []
    return [{**row, "seconds_left": _seconds_left(row, now)} for row in kept["rows"]]


def _seconds_left(row: Mapping[str, Any], now: datetime) -> int:
    if row["state"] != "done" or not row["undo_until"]:
        return 0
    return max(0, int((datetime.fromisoformat(row["undo_until"]) - now).total_seconds()))


def mark_undone(request: HttpRequest, visit_id: int, sentence: str) -> None:
    kept = request.session.get(OUTCOMES)
    if not kept:
        return
    for row in kept["rows"]:
        if row["visit"] == visit_id:
            row |= {"state": "undone", "sentence": sentence}
    request.session.modified = True
