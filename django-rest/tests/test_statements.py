"""A statement that is asked again is the one that Django would make."""

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from clinic.accounts.models import Role, User
from clinic.appointments.models import Appointment
from clinic.common.statements import MOST_SHAPES, remembered
from clinic.people.models import Patient
from clinic.scheduling.models import ClaimedCell, Clinic, Practitioner
from django.core.exceptions import FieldError, ValidationError
from django.db import connection
from django.db.models import Count, F, Max, Min, Model, Q, QuerySet
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from .conftest import World, in_days

Rows = QuerySet[Any, Any]
Ask = Callable[[Rows, Any], Any]

DAYS = [date(2026, 11, 20), date(2027, 2, 28)]
INSTANTS = [in_days(1)(9), timezone.now()]
LATER = F("starts_at") + timedelta(hours=1)

# What is asked of which table, and the values to ask it with.
REMEMBERED: dict[str, tuple[type[Model], Ask, list[Any]]] = {
    "a key": (Patient, lambda rows, key: rows.filter(pk=key).first(), [1, 2, 0, -1]),
    "a text": (Patient, lambda rows, text: list(rows.filter(phone=text)), ["+491701234567", "", "a'b\\%_", "100%s"]),
    "a date": (Appointment, lambda rows, day: list(rows.filter(local_date__gte=day).order_by()), DAYS),
    "an instant": (Appointment, lambda rows, at: list(rows.filter(starts_at__lt=at)[:3]), INSTANTS),
    "two conditions": (
        Appointment,
        lambda rows, key: list(rows.filter(clinic_id=key).filter(practitioner_id=key + 1, status="pending")),
        [1, 7],
    ),
    "either": (
        Appointment,
        lambda rows, key: list(rows.filter(Q(patient_id=key) | ~Q(series_id=key) & Q(is_active=1), clinic_id=1)),
        [1, 2],
    ),
    "all but": (Appointment, lambda rows, key: list(rows.exclude(series_id=key).exclude(patient__user_id=key)), [1, 2]),
    "a related row": (
        Appointment,
        lambda rows, text: list(rows.filter(patient__phone=text).order_by("-starts_at", "-id").values_list("pk")),
        ["1", "2"],
    ),
    "one of two": (
        Patient,
        lambda rows, keys: list(rows.filter(pk__in=keys).values_list("pk", flat=True)),
        [[1, 2], [8, 5]],
    ),
    "a choice": (User, lambda rows, key: list(rows.filter(role=Role.OWNER, is_active=True, pk=key)), [1, 2]),
    "none": (Appointment, lambda rows, key: list(rows.filter(service_id=None, clinic_id=key)), [1, 2]),
    "is null": (Appointment, lambda rows, key: list(rows.filter(service__isnull=True, clinic_id=key)), [1, 2]),
    "named columns": (
        Appointment,
        lambda rows, key: list(rows.filter(pk=key).values_list("patient__name", "service__name", named=True)),
        [1, 2],
    ),
    "columns by name": (
        Clinic,
        lambda rows, slug: list(rows.filter(slug=slug).values("pk", "name")),
        ["a", "riverside"],
    ),
    "objects with theirs": (
        User,
        lambda rows, key: [
            (user.clinic, getattr(user, "practitioner", None))
            for user in rows.select_related("clinic", "practitioner", "patient").filter(pk=key)
        ],
        [1, 3],
    ),
    "groups": (
        ClaimedCell,
        lambda rows, key: list(
            rows.filter(practitioner_id__in=[key])
            .values("practitioner_id", "appointment_id")
            .annotate(first=Min("starts_at"), last=Max("starts_at"))
            .order_by()
        ),
        [1, 2],
    ),
    "a part": (Patient, lambda rows, key: list(rows.filter(clinic_id=key).order_by("-id")[1:3]), [1, 2]),
}
# Made each time, since the value may change the statement, or cannot be told from it.
MADE_EACH_TIME: dict[str, tuple[type[Model], Ask, list[Any]]] = {
    "a part of a text": (
        Patient,
        lambda rows, text: list(rows.filter(name__icontains=text)),
        ["pa", "50%", "a_b", "\\"],
    ),
    "a text without its case": (Patient, lambda rows, text: list(rows.filter(name__iexact=text)), ["paula", "p_ula"]),
    "nothing of a list": (Patient, lambda rows, keys: list(rows.filter(pk__in=keys)), [[]]),
    "equal ones of a list": (Patient, lambda rows, keys: list(rows.filter(pk__in=keys)), [[1, 1], [2, 2]]),
    "a number as a text": (Patient, lambda rows, key: list(rows.filter(pk=key)), ["1", "2"]),
    "a number too large": (Patient, lambda rows, key: list(rows.filter(pk=key)), [2**63, 2**70]),
    "a year": (Appointment, lambda rows, year: list(rows.filter(local_date__year=year)), [2026, 2027]),
    "an object": (Patient, lambda rows, key: list(rows.filter(clinic=Clinic(pk=key))), [1, 2]),
    "another question inside": (
        Patient,
        lambda rows, key: list(rows.filter(pk__in=Appointment.objects.filter(clinic_id=key).values("patient_id"))),
        [1, 2],
    ),
    "a calculation": (Appointment, lambda rows, key: list(rows.filter(ends_at__gt=LATER, pk=key)), [1, 2]),
    "a day of an instant": (Appointment, lambda rows, day: list(rows.filter(starts_at=day)), DAYS[:1]),
}


def asked_of(rows: Rows, ask: Ask, value: Any) -> tuple[Any, list[str]]:
    with CaptureQueriesContext(connection) as seen:
        answer = ask(rows, value)
    return answer, [query["sql"] for query in seen.captured_queries]


@pytest.mark.filterwarnings("ignore:DateTimeField .* received a naive datetime")
@pytest.mark.parametrize("name", [*REMEMBERED, *MADE_EACH_TIME])
def test_whatever_is_asked_is_what_django_asks(world: World, settings: Settings, name: str) -> None:
    settings.STATEMENTS_ARE_COMPARED = False
    model, ask, values = {**REMEMBERED, **MADE_EACH_TIME}[name]
    world.book(in_days(1)(9))
    for value in [*values, *values]:
        assert asked_of(model._default_manager.all(), ask, value) == asked_of(QuerySet(model), ask, value)


@pytest.mark.parametrize("name", REMEMBERED)
def test_one_shape_is_made_once(world: World, name: str) -> None:
    model, ask, values = REMEMBERED[name]
    remembered.clear()
    for value in values:
        ask(model._default_manager.all(), value)
    [statement] = remembered.values()
    assert statement is not None


@pytest.mark.parametrize("name", MADE_EACH_TIME)
@pytest.mark.filterwarnings("ignore:DateTimeField .* received a naive datetime")
def test_what_cannot_be_told_apart_is_not_remembered(world: World, name: str) -> None:
    model, ask, values = MADE_EACH_TIME[name]
    remembered.clear()
    for value in values:
        ask(model._default_manager.all(), value)
    assert not [key for key, statement in remembered.items() if statement is not None]


def test_a_wrong_memory_is_noticed_by_the_tests(world: World) -> None:
    remembered.clear()
    assert [patient.name for patient in Patient.objects.filter(name="Paula")] == ["Paula"]
    [(key, statement)] = remembered.items()
    assert statement is not None
    remembered[key] = replace(statement, sql=f"{statement.sql} LIMIT 1")
    with pytest.raises(AssertionError):
        list(Patient.objects.filter(name="Pete"))
    remembered.clear()


def test_a_lock_outside_of_a_transaction_is_refused_each_time(transactional_db: None) -> None:
    for _ in range(2):
        with pytest.raises(TransactionManagementError):
            Patient.objects.select_for_update().filter(pk=1).first()


def test_a_queryset_that_was_read_or_counted_can_be_narrowed(world: World) -> None:
    patients = Patient.objects.filter(clinic_id=world.clinic.pk).order_by("name")
    assert patients.count() == len(patients) == 2
    assert [patient.name for patient in patients.filter(name="Pete")] == ["Pete"]
    assert patients.exists()
    assert patients.first() == patients[0]
    with pytest.raises(TypeError, match="once a slice has been taken"):
        Patient.objects.order_by("name")[:1].filter(name="Pete")
    with pytest.raises(ValueError, match="Negative indexing"):
        Patient.objects.order_by("name")[-1:]


def test_what_is_grouped_by_no_order_has_no_first(world: World) -> None:
    with pytest.raises(TypeError):
        Patient.objects.values("clinic_id").annotate(number=Count("pk")).order_by().first()


def test_more_shapes_than_there_is_room_for_are_forgotten(world: World, settings: Settings) -> None:
    settings.STATEMENTS_ARE_COMPARED = False
    for number in range(MOST_SHAPES + 10):
        list(Practitioner.objects.filter(pk=1)[number : number + 1])
    assert len(remembered) <= MOST_SHAPES


@pytest.mark.django_db(transaction=True)
def test_threads_share_what_is_remembered() -> None:
    clinics = [Clinic.objects.create(name=name, slug=name) for name in ("a", "b", "c", "d")]

    def names(clinic: Clinic) -> list[str]:
        found = [Clinic.objects.get_queryset().filter(slug=clinic.slug)[0].name for _ in range(50)]
        connection.close()
        return found

    with ThreadPoolExecutor(4) as pool:
        assert [set(found) for found in pool.map(names, clinics)] == [{clinic.name} for clinic in clinics]


def test_an_instant_keeps_its_zone(world: World) -> None:
    start: datetime = in_days(1)(9)
    appointment = world.book(start)
    for _ in range(2):
        assert Appointment.objects.filter(starts_at=start).first() == appointment
        assert Appointment.objects.filter(starts_at=start + timedelta(hours=1)).first() is None


def test_whatever_django_asks_of_a_queryset_by_itself_makes_an_ordinary_one(world: World) -> None:
    """The admin's choices, unions, copies: Django reaches for the query without asking."""
    choices = Patient._meta.get_field("clinic").model._default_manager
    assert choices.complex_filter({"name": "Paula"}).count() == 1
    everybody, paula = Patient.objects.filter(clinic=world.clinic), Patient.objects.filter(name="Paula")
    assert everybody.union(paula).count() == 2
    assert (everybody & paula).get().name == "Paula"
    assert (everybody | paula).distinct().count() == 2
    assert [one.name for one in copy.deepcopy(paula)] == ["Paula"]
    assert [one.name for one in pickle.loads(pickle.dumps(paula))] == ["Paula"]  # noqa: S301
    assert Patient.objects.filter(pk__in=paula).count() == 1
    assert paula.exists()
    assert paula.update(name="Paulina") == 1
    assert everybody.order_by("name").reverse().last() is not None


@pytest.mark.parametrize("wrong", [{"pk": "x"}, {"clinic_id": "one"}, {"created_at__gte": "never"}, {"nobody": 1}])
def test_what_is_wrong_with_a_value_is_said_at_once(world: World, wrong: dict[str, Any]) -> None:
    for _ in range(2):
        with pytest.raises((ValueError, ValidationError, FieldError)):
            Patient.objects.filter(**wrong)
