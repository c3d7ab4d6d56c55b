"""Differences between REST, the stream and the database, as `manage.py status` reports them."""

from datetime import UTC, datetime
from typing import Any

from clinic.ops.row_comparison import ALIKE, INSTANTS, Difference, differences, lasting

NINE = datetime(2026, 11, 30, 9, 0, 0, 123_456, UTC)
# The public form has milliseconds and the clinic's offset.
PUBLISHED = "2026-11-30T10:00:00.123+01:00"


def database_row(**changed: Any) -> dict[str, Any]:
    return {"id": 7, **dict.fromkeys(ALIKE, "same"), **dict.fromkeys(INSTANTS, NINE), **changed}


def published_row(**changed: Any) -> dict[str, Any]:
    instants = dict.fromkeys(INSTANTS.values(), PUBLISHED)
    return {"id": 7, "dentist": 1, **dict.fromkeys(ALIKE.values(), "same"), **instants, **changed}


def found(*, rest: Any = None, stream: Any = None, database: Any = None) -> list[str]:
    rows = differences(
        rest={7: published_row()} if rest is None else rest,
        stream={7: published_row()} if stream is None else stream,
        database={7: database_row()} if database is None else database,
    )
    return [row.text for row in rows]


def test_equal_rows_have_no_difference() -> None:
    assert found() == []


def test_row_missing_in_one_source_is_named() -> None:
    assert found(stream={}) == ["missing in the stream"]
    assert found(rest={}, stream={}) == ["missing in REST and the stream"]
    assert found(database={}) == ["missing in the database"]


def test_field_that_only_the_services_have_is_compared_between_them() -> None:
    assert found(stream={7: published_row(dentist=2)}) == ["dentist differs between REST and the stream"]


def test_field_that_one_service_lacks_is_a_difference() -> None:
    rest = {7: published_row(room="2")}
    assert found(rest=rest) == ["room differs between REST and the stream"]


def test_value_that_both_services_have_wrong_differs_from_the_database() -> None:
    assert found(database={7: database_row(status="cancelled")}) == ["status differs between REST and the database"]


def test_instant_that_is_an_hour_off_differs_from_the_database() -> None:
    wrong = {7: published_row(start="2026-11-30T10:00:00.123+00:00")}
    assert found(rest=wrong, stream=wrong) == ["start differs between REST and the database"]


def test_only_rows_that_differ_in_every_round_last() -> None:
    a, b = Difference(1, "old"), Difference(2, "changed meanwhile")
    assert lasting([[a, b], [Difference(1, "new")]]) == [Difference(1, "new")]
    assert lasting([[a], []]) == []
