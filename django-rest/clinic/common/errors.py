# ruff: noqa: N818 - an error is named as the user would say it, and that is the whole sentence
"""Every refusal a caller can meet: one class, one stable code, one status."""

from collections.abc import Callable, Sequence

# Of every 503 that names no other time.
RETRY_AFTER_SECONDS = 1


class ChairsideError(Exception):
    """`attr` names the input at fault (None: the request as a whole); `extra` says what to do next."""

    code: str = "error"
    status: int = 500
    detail: str = "Something went wrong."
    attr: str | None = None

    def __init__(
        self, detail: str | None = None, *, attr: str | None = None, extra: dict[str, object] | None = None
    ) -> None:
        self.detail = detail or self.detail
        self.attr = attr or self.attr
        self.extra: dict[str, object] = extra or {}
        self._details: list[Callable[[], dict[str, object]]] = []
        super().__init__(self.detail)

    def explain_later(self, details: Callable[[], dict[str, object]]) -> None:
        """Details for `extra` that take reading: `explain` reads them."""
        self._details.append(details)

    def explain(self) -> None:
        """Called by the outermost service (`common.transactions`), when its transaction is over and its locks are
        gone."""
        while self._details:
            self.extra.update(self._details.pop(0)())


class InvalidRequest(ChairsideError):
    code = "invalid"
    status = 400
    detail = "This value is not valid."


class UnknownField(InvalidRequest):
    """Of a body or a query; `detail` names the nearest known one."""

    code = "unknown_field"
    detail = "`dryRun` is not a known field; `dry_run` is."


class RepeatedParameter(InvalidRequest):
    code = "repeated_parameter"
    detail = "`status` is given 2 times."


class ReadOnly(InvalidRequest):
    """A field of an answer that came back with another value."""

    code = "read_only"
    detail = "This field cannot be changed here."


class Ambiguous(InvalidRequest):
    """Two names for one thing, or one name for two."""

    code = "ambiguous"
    detail = "Send one of `practitioner` and `dentist`."


class NotAName(InvalidRequest):
    """`detail` says what is wrong with it."""

    code = "not_a_name"
    detail = "This is not a name."
    attr = "name"


class NotAPhone(InvalidRequest):
    code = "not_a_phone"
    detail = "This is not a phone number. Write it with its country code, as +1 212 555 0123."
    attr = "phone"


class PhoneHasExtension(InvalidRequest):
    """Where a number is looked up, or a code is sent to it."""

    code = "phone_has_extension"
    detail = "Give the number without its extension here."
    attr = "phone"


class NotFound(ChairsideError):
    code = "not_found"
    status = 404
    detail = "Not found."


class PermissionDenied(ChairsideError):
    code = "permission_denied"
    status = 403
    detail = "You may not do this."


class PhoneNotProven(ChairsideError):
    code = "phone_not_proven"
    status = 403
    detail = "This takes a code. Have one sent to the number, and give it here within ten minutes."


class Throttled(ChairsideError):
    """`wait_seconds` becomes Retry-After."""

    code = "throttled"
    status = 429
    detail = "Too many requests. Please wait."

    def __init__(self, detail: str | None = None, *, wait_seconds: int = 60) -> None:
        super().__init__(detail)
        self.wait_seconds = wait_seconds


class TooManyHolds(ChairsideError):
    code = "too_many_holds"
    status = 429
    detail = "Too many times are held already. Book one of them, or let one go."


class TooManyPending(ChairsideError):
    code = "too_many_pending"
    status = 429
    detail = "Too many requests of this phone number wait for the clinic's answer already."


class TryAgain(ChairsideError):
    code = "service_unavailable"
    status = 503
    detail = "The clinic's calendar is busy. Please try again in a moment."


class ChangedMeanwhile(TryAgain):
    """Another service changed rows that this one had read, before it wrote: `common.transactions` runs it again."""


class DatabaseReadOnly(TryAgain):
    code = "database_read_only"
    detail = "The database takes no changes at the moment. Please try again later."


class DatabaseNotReady(TryAgain):
    code = "database_cluster_not_ready"
    detail = "The database cluster is not ready. Please try again in a moment."


class DatabaseFull(TryAgain):
    code = "database_disk_full"
    detail = "The database's disk is full, so nothing can be changed. Please try again later."


class DatabaseWriteTimeout(TryAgain):
    code = "database_write_timeout"
    detail = "The database does not finish changes at the moment. Please try again later."


class DatabaseBusy(TryAgain):
    code = "database_too_many_connections"
    detail = "The database has no free connection. Please try again in a moment."


class OutcomeUnknown(TryAgain):
    code = "outcome_unknown"
    detail = (
        "The connection to the database was lost, and the change may have been made. With an Idempotency-Key a retry "
        "is safe: send the same request with the same key. Without one, look before you try again."
    )


class UnknownTimeZone(TryAgain):
    code = "time_zone_unknown"
    detail = "The clinic's time zone is unknown to this system. The owner can set another one in the clinic's settings."


class KeyReused(ChairsideError):
    code = "idempotency_key_reused"
    status = 422
    detail = "This Idempotency-Key was already used for another request."


class RequestTooLarge(ChairsideError):
    code = "request_too_large"
    status = 413
    detail = "The request is too large."


class SlotTaken(ChairsideError):
    code = "slot_taken"
    status = 409
    detail = "This time is already taken."


class SeriesConflict(ChairsideError):
    """`extra` lists the dates that cannot be had."""

    code = "series_conflict"
    status = 409
    detail = "Some dates of this series cannot be booked."


class HoldExpired(ChairsideError):
    code = "hold_expired"
    status = 409
    detail = "The hold on this time has expired."


class AlreadyRenewed(ChairsideError):
    code = "already_renewed"
    status = 409
    detail = "This time was held longer once already. Book it, or choose another time."


class OfferOver(ChairsideError):
    code = "offer_over"
    status = 409
    detail = "This offer is no longer open."


class TooSoonToOffer(ChairsideError):
    code = "too_soon_to_offer"
    status = 409
    detail = "This time begins before the patient could answer. Call them, and book it."


class OwnAppointment(ChairsideError):
    """`visit_ids`: the other appointments, where they are known."""

    code = "own_appointment"
    status = 409
    detail = "The patient has another appointment at this time."

    def __init__(
        self,
        detail: str | None = None,
        *,
        attr: str | None = None,
        extra: dict[str, object] | None = None,
        visit_ids: Sequence[int] = (),
    ) -> None:
        self.visit_ids = tuple(visit_ids)
        super().__init__(detail, attr=attr, extra=extra)


class TooManyEntries(ChairsideError):
    code = "too_many_entries"
    status = 409
    detail = "This patient waits for enough already. Withdraw an entry first."


class StaleVersion(ChairsideError):
    code = "stale_version"
    status = 409
    detail = "Someone changed this in the meantime. Look at the current version and try again."


class PreconditionFailed(ChairsideError):
    code = "stale_version"
    status = 412
    detail = "Someone changed this in the meantime: If-Match names an older version."


class TransitionNotAllowed(ChairsideError):
    code = "transition_not_allowed"
    status = 409
    detail = "This is not possible in the appointment's present status."


class TooLateToCancel(ChairsideError):
    code = "too_late_to_cancel"
    status = 409
    detail = "It is too late to cancel this appointment online. Please call the clinic."


class NothingToUndo(ChairsideError):
    code = "nothing_to_undo"
    status = 409
    detail = "The last change of this appointment is not a step that can be undone."


class UndoOver(ChairsideError):
    code = "undo_over"
    status = 409
    detail = "This step can no longer be undone. Its status can still be corrected."


class TooLateToConfirm(ChairsideError):
    code = "too_late_to_confirm"
    status = 409
    detail = "The start of this request has passed, so it can no longer be confirmed."


class MovesNotOffered(ChairsideError):
    code = "moves_not_offered"
    status = 409
    detail = "Appointments cannot be moved online. Please call the clinic."


class TooManyMoves(ChairsideError):
    code = "too_many_moves"
    status = 409
    detail = "This appointment was moved often enough online. Please call the clinic."


class TooEarly(ChairsideError):
    code = "too_early"
    status = 409
    detail = "It is too early for this."


class NotToday(ChairsideError):
    code = "not_today"
    status = 409
    detail = "This is only possible on the day of the appointment."


class WouldStrand(ChairsideError):
    code = "would_strand"
    status = 409
    detail = (
        "Appointments would be left outside of the working hours. Move them first, or say force: true to keep them."
    )


class HasAppointments(ChairsideError):
    code = "has_appointments"
    status = 409
    detail = "There are appointments ahead. Say what becomes of them: cancel, keep, or move_to another practitioner."


class CannotMove(ChairsideError):
    code = "cannot_move"
    status = 409
    detail = "Not every appointment can be moved, so none was."


class ZoneHasAppointments(ChairsideError):
    code = "zone_has_appointments"
    status = 409
    detail = (
        "There are appointments ahead. They keep their instant, so their time on the clinic's clock changes: "
        "say force: true if that is meant."
    )


class BookingRuleError(ChairsideError):
    """A start the clinic does not offer, whoever else is booked."""

    code = "invalid"
    status = 400
    attr = "start"


class InThePast(BookingRuleError):
    code = "in_the_past"
    detail = "This time is in the past."


class TooSoon(BookingRuleError):
    code = "too_soon"
    detail = "This time is too soon: the clinic needs more notice."


class TooFarAhead(BookingRuleError):
    code = "too_far_ahead"
    detail = "This time is too far ahead: the clinic does not take bookings for it yet."


class OffGrid(BookingRuleError):
    code = "off_grid"
    detail = "Appointments do not start at this minute."


class OutsideWorkingHours(BookingRuleError):
    code = "outside_working_hours"
    detail = "This time is outside of the working hours."


class NoSuchLocalTime(BookingRuleError):
    code = "no_such_local_time"
    detail = "This time does not exist on that day: the clocks go forward."
