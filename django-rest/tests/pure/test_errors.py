import pytest
from clinic.common import errors
from clinic.common.errors import ChairsideError, InvalidRequest, OffGrid, SlotTaken

from testkit.each import for_each

CODES = {
    "ChairsideError": (500, "error"),
    "InvalidRequest": (400, "invalid"),
    "NotAName": (400, "not_a_name"),
    "NotAPhone": (400, "not_a_phone"),
    "PhoneHasExtension": (400, "phone_has_extension"),
    "NotFound": (404, "not_found"),
    "PermissionDenied": (403, "permission_denied"),
    "PhoneNotProven": (403, "phone_not_proven"),
    "Throttled": (429, "throttled"),
    "TooManyHolds": (429, "too_many_holds"),
    "AlreadyRenewed": (409, "already_renewed"),
    "TooManyPending": (429, "too_many_pending"),
    "TryAgain": (503, "service_unavailable"),
    "ChangedMeanwhile": (503, "service_unavailable"),
    "DatabaseReadOnly": (503, "database_read_only"),
    "DatabaseNotReady": (503, "database_cluster_not_ready"),
    "DatabaseFull": (503, "database_disk_full"),
    "DatabaseWriteTimeout": (503, "database_write_timeout"),
    "DatabaseBusy": (503, "database_too_many_connections"),
    "OutcomeUnknown": (503, "outcome_unknown"),
    "UnknownTimeZone": (503, "time_zone_unknown"),
    "KeyReused": (422, "idempotency_key_reused"),
    "RequestTooLarge": (413, "request_too_large"),
    "SlotTaken": (409, "slot_taken"),
    "Ambiguous": (400, "ambiguous"),
    "ReadOnly": (400, "read_only"),
    "RepeatedParameter": (400, "repeated_parameter"),
    "UnknownField": (400, "unknown_field"),
    "TooManyMoves": (409, "too_many_moves"),
    "SeriesConflict": (409, "series_conflict"),
    "OfferOver": (409, "offer_over"),
    "OwnAppointment": (409, "own_appointment"),
    "TooSoonToOffer": (409, "too_soon_to_offer"),
    "TooManyEntries": (409, "too_many_entries"),
    "HoldExpired": (409, "hold_expired"),
    "StaleVersion": (409, "stale_version"),
    "PreconditionFailed": (412, "stale_version"),
    "TransitionNotAllowed": (409, "transition_not_allowed"),
    "TooLateToCancel": (409, "too_late_to_cancel"),
    "MovesNotOffered": (409, "moves_not_offered"),
    "NothingToUndo": (409, "nothing_to_undo"),
    "UndoOver": (409, "undo_over"),
    "TooLateToConfirm": (409, "too_late_to_confirm"),
    "TooEarly": (409, "too_early"),
    "NotToday": (409, "not_today"),
    "WouldStrand": (409, "would_strand"),
    "HasAppointments": (409, "has_appointments"),
    "CannotMove": (409, "cannot_move"),
    "ZoneHasAppointments": (409, "zone_has_appointments"),
    "BookingRuleError": (400, "invalid"),
    "InThePast": (400, "in_the_past"),
    "TooSoon": (400, "too_soon"),
    "TooFarAhead": (400, "too_far_ahead"),
    "OffGrid": (400, "off_grid"),
    "OutsideWorkingHours": (400, "outside_working_hours"),
    "NoSuchLocalTime": (400, "no_such_local_time"),
}
BOOKING_RULES = ["InThePast", "TooSoon", "TooFarAhead", "OffGrid", "OutsideWorkingHours", "NoSuchLocalTime"]


def every_error() -> dict[str, type[ChairsideError]]:
    return {
        name: value
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, ChairsideError)
    }


def test_every_error_has_the_code_and_status_that_front_ends_rely_on() -> None:
    assert {name: (error.status, error.code) for name, error in every_error().items()} == CODES


@for_each(lambda: sorted(CODES))
def test_an_error_speaks_for_itself_when_raised_without_words(name: str) -> None:
    error = every_error()[name]()

    assert error.detail == str(error)
    assert error.detail.endswith(".")
    assert error.extra == {}


@pytest.mark.parametrize("name", BOOKING_RULES)
def test_a_booking_rule_points_to_the_start(name: str) -> None:
    assert every_error()[name]().attr == "start"


def test_an_error_carries_its_own_words_field_and_way_on() -> None:
    error = SlotTaken("Mia has just booked it.", attr="start", extra={"nearest": []})

    assert (str(error), error.detail, error.attr) == ("Mia has just booked it.", "Mia has just booked it.", "start")
    assert error.extra == {"nearest": []}


def test_details_of_one_error_are_not_seen_on_the_next() -> None:
    InvalidRequest("Not a colour.", attr="color").extra["seen"] = True

    assert (InvalidRequest().detail, InvalidRequest().attr, InvalidRequest().extra) == (
        "This value is not valid.",
        None,
        {},
    )


def test_a_booking_rule_can_point_to_another_field() -> None:
    assert OffGrid(attr="time").attr == "time"
