"""Many new rows are written as Django would write each of them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from clinic.common.many_rows import insert_many, new_row
from clinic.outbox.models import DeliveryChannel, Message, MessageKind
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from testkit.clinic.world import World

NOW = datetime(2026, 12, 1, 9, 30, 15, 250, tzinfo=UTC)


def columns(world: World, number: int, **others: Any) -> dict[str, Any]:
    return {
        "clinic_id": world.clinic.pk,
        "kind": MessageKind.REMINDER,
        "channel": DeliveryChannel.SMS,
        "template": "reminder",
        "recipient": f"+4917012345{number}",
        "body": "100 % sure: 'quoted' \\ and %s",
        "unique_key": f"key:{number}",
        "created_at": NOW,
        "send_at": NOW,
        "due_at": NOW,
        **others,
    }


def stored() -> list[dict[str, Any]]:
    rows = Message.objects.filter(unique_key__startswith="key:").order_by("unique_key").values()
    return [{name: value for name, value in row.items() if name != "id"} for row in rows]


def test_new_row_is_what_the_constructor_makes(world: World) -> None:
    given = columns(world, 1, instead={"subject": "A reminder"})
    new, usual = new_row(Message, given), Message(**given)
    names = [field.attname for field in Message._meta.concrete_fields if not field.generated]
    assert {name: getattr(new, name) for name in names} == {name: getattr(usual, name) for name in names}
    assert (new._state.adding, vars(new)["id"]) == (True, None)


def test_new_row_refuses_a_column_that_does_not_exist(world: World) -> None:
    with pytest.raises(IndexError):
        new_row(Message, columns(world, 1, colour="red"))


@pytest.mark.parametrize(
    "others",
    [
        [{}],
        [{}, {}],
        [{"instead": {"subject": "Ä, 100 %"}}, {"instead": None}],
        [{"due_at": None, "attempts": 3}, {"secret": True, "appointment_version": 7}],
    ],
    ids=["one", "all alike", "JSON", "different"],
)
def test_rows_are_stored_as_by_save(world: World, others: list[dict[str, Any]]) -> None:
    given = [columns(world, number, **one) for number, one in enumerate(others)]
    insert_many([new_row(Message, one) for one in given], kept_by="unique_key")
    written = stored()
    Message.objects.filter(unique_key__startswith="key:").delete()
    for one in given:
        Message(**one).save()
    assert written == stored()
    assert len(written) == len(given)


def test_row_that_is_there_stays_and_the_others_are_written(world: World) -> None:
    Message(**columns(world, 1, body="first")).save()
    with CaptureQueriesContext(connection) as captured:
        insert_many([new_row(Message, columns(world, number)) for number in (0, 1, 2)], kept_by="unique_key")
    assert len(captured) == 1
    assert [row["body"][:5] for row in stored()] == ["100 %", "first", "100 %"]


def test_any_other_refusal_is_an_error(world: World) -> None:
    rows = [new_row(Message, columns(world, 1, channel=None))]
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_many(rows, kept_by="unique_key")
