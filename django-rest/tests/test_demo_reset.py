"""Removal of the demo clinic with everything that was done in it. The tables come from a walk over the models, and each
has a row before the removal, so a new table that would stop `make seed ARGS=--reset` fails here."""

import secrets
from datetime import time, timedelta
from typing import Any

import pytest
from clinic.appointments.actor import UserActor
from clinic.appointments.services.decisions import delete_appointment
from clinic.demo.seeding import SLUG, remove_demo
from clinic.messaging.services.inbound import ReceivedSms, answer_sms
from clinic.people.models import Patient
from clinic.people.services.phone_codes import send_phone_code
from clinic.scheduling.models import Clinic
from clinic.waitlist.services.entries import Wishes, join_waitlist
from django.apps import apps
from django.db import models
from django.utils import timezone

from testkit.clinic.times import in_days
from testkit.clinic.world import World, fresh

NINE = in_days(8)(9)


def models_with_a_way_to_the_clinic() -> dict[type[models.Model], str]:
    """Every model of which a row can belong to a clinic, with the lookup that leads there."""
    ways: dict[type[models.Model], str] = {}
    grows = True
    while grows:
        grows = False
        for model in set(apps.get_models()) - set(ways) - {Clinic}:
            for field in model._meta.local_fields:
                target = field.related_model
                if target is Clinic or target in ways:
                    ways[model] = field.name if target is Clinic else f"{field.name}__{ways[target]}"
                    grows = True
                    break
    return ways


WAYS = models_with_a_way_to_the_clinic()


@pytest.fixture
def lively_demo(world: World) -> Clinic:
    clinic, now = world.clinic, timezone.now()
    Clinic.objects.filter(pk=clinic.pk).update(slug=SLUG)
    sam = UserActor(fresh(world.sam))
    taken = world.book(NINE)
    world.book_series(NINE.replace(hour=11))
    wishes = Wishes(first_date=NINE.date(), last_date=NINE.date())
    join_waitlist(actor=sam, clinic=clinic, patient_id=world.pete.patient.pk, wishes=wishes, now=now)
    delete_appointment(actor=sam, appointment_id=taken.pk, now=now)
    send_phone_code(clinic=clinic, phone=world.pete.patient.phone, address="192.0.2.1", now=now)
    _receive_sms(world)
    for model in WAYS:
        if not rows_of(clinic, model).exists():
            _add_row(model, clinic)
    return clinic


def _receive_sms(world: World) -> None:
    number = world.paula.patient.phone
    answer_sms(ReceivedSms("SM1", number, "+4930111", "YES"), now=timezone.now())


def rows_of(clinic: Clinic, model: type[models.Model]) -> models.QuerySet[Any]:
    return model._default_manager.filter(**{WAYS[model]: clinic})


def _add_row(model: type[models.Model], clinic: Clinic) -> None:
    """A row of a table that the story above does not reach, with every reference and every required column filled."""
    fields = [field for field in model._meta.local_fields if not field.has_default()]
    values = {field.name: _value_for(field, clinic) for field in fields if field.is_relation or not field.null}
    model._default_manager.create(**{name: value for name, value in values.items() if value is not None})


def _value_for(field: Any, clinic: Clinic) -> Any:
    if field.is_relation:
        target = field.related_model
        if target is Clinic:
            return clinic
        return (rows_of(clinic, target) if target in WAYS else target.objects).first()
    if isinstance(field, models.AutoField):
        return None
    if isinstance(field, models.CharField | models.TextField):
        return secrets.token_hex(5) if not field.choices else field.choices[0][0]
    tomorrow = timezone.now() + timedelta(days=1)
    if isinstance(field, models.DateTimeField):
        return tomorrow
    if isinstance(field, models.DateField):
        return tomorrow.date()
    return time(9) if isinstance(field, models.TimeField) else 1


def test_demo_with_rows_in_every_table_is_removed_and_another_clinic_stays(lively_demo: Clinic, world: World) -> None:
    assert not [model for model in WAYS if not rows_of(lively_demo, model).exists()]
    held = {model: list(rows_of(lively_demo, model).values_list("pk", flat=True)) for model in WAYS}
    assert remove_demo()
    assert not Clinic.objects.filter(pk=lively_demo.pk).exists()
    # The list of tokens keeps them without their person.
    left = {model for model, keys in held.items() if model._default_manager.filter(pk__in=keys).exists()}
    assert {model._meta.app_label for model in left} <= {"token_blacklist"}
    assert Patient.objects.count() == 0
    assert Clinic.objects.filter(pk=world.hillside.pk).exists()
    assert fresh(world.otto).clinic == world.hillside
