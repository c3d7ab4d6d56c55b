"""Removal of one clinic with all rows that belong to it. The tables and their order come from the models, so that a
new table is never forgotten."""

from graphlib import TopologicalSorter
from typing import Any

from django.apps import apps
from django.db import models

from clinic.common.transactions import in_one_transaction
from clinic.scheduling.models import Clinic

# Django deletes rows with any other kind of reference by itself, or empties the reference.
LEFT_TO_US = (models.PROTECT, models.RESTRICT, models.DO_NOTHING)

Model = type[models.Model]


@in_one_transaction
def remove_clinic(clinic: Clinic) -> None:
    paths = paths_to_clinic()
    for model in deletion_order(paths):
        rows = model._default_manager.filter(**{paths[model]: clinic})
        for field in _references_of(model):
            if field.related_model is model and field.null:
                rows.update(**{field.name: None})
        rows.delete()
    clinic.delete()


def paths_to_clinic() -> dict[Model, str]:
    """How the rows of each model lead to their clinic: `clinic`, `practitioner__clinic`, …"""
    paths: dict[Model, str] = {}
    found: dict[Model, str] = {Clinic: ""}
    while found:
        nearer, found = found, {}
        for model in apps.get_models():
            if model is Clinic or model in paths:
                continue
            for field in _references_of(model):
                target = field.related_model
                if target in nearer and model not in found:
                    found[model] = "__".join(filter(None, [field.name, nearer[target]]))
        paths |= found
    return paths


def deletion_order(paths: dict[Model, str]) -> list[Model]:
    """Each model before those it refers to. A log, whose references are no constraints, comes after them: deleting
    them may add to it. Raises CycleError."""
    earlier: dict[Model, set[Model]] = {model: set() for model in paths}
    for model in paths:
        for field in _references_of(model):
            target = field.related_model
            if target is model or target not in paths:
                continue
            if field.db_constraint:
                earlier[target].add(model)
            else:
                earlier[model].add(target)
    return list(TopologicalSorter(earlier).static_order())


def _references_of(model: Model) -> list[Any]:
    return [
        field
        for field in model._meta.local_fields
        if isinstance(field, models.ForeignKey) and field.remote_field.on_delete in LEFT_TO_US
    ]
