"""Models that moved to another app keep the names that installations have stored."""

import pytest
from clinic.health.models import ProbeCanary
from clinic.people.models import Patient, PhoneCode
from clinic.worker.models import JobRun, PruningMark, WorkerProcess
from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django.urls import reverse


def test_patient_and_phone_code_keep_label_and_table() -> None:
    assert {model._meta.label: model._meta.db_table for model in (Patient, PhoneCode)} == {
        "appointments.Patient": "patient",
        "appointments.PhoneCode": "phone_code",
    }
    assert Patient.__module__ == PhoneCode.__module__ == "clinic.people.models"


def test_tables_of_worker_and_probes_keep_label_and_name() -> None:
    moved = (JobRun, WorkerProcess, PruningMark, ProbeCanary)
    assert {model._meta.label: model._meta.db_table for model in moved} == {
        "ops.JobRun": "job_run",
        "ops.WorkerProcess": "worker_process",
        "ops.PruningMark": "pruning_mark",
        "ops.ProbeCanary": "probe_canary",
    }


@pytest.mark.django_db
def test_content_types_of_label_ops_are_still_made() -> None:
    made = ContentType.objects.filter(app_label="ops").values_list("model", flat=True)
    assert set(made) == {"jobrun", "workerprocess", "pruningmark", "probecanary"}


def test_admin_address_of_patients_is_unchanged() -> None:
    assert reverse("admin:appointments_patient_change", args=[7]) == "/admin/appointments/patient/7/change/"


def test_migrations_need_no_change() -> None:
    loader = MigrationLoader(None)
    found = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps)).changes(graph=loader.graph)
    assert found == {}


@pytest.mark.django_db
def test_content_type_and_permissions_are_unchanged() -> None:
    stored = ContentType.objects.get(app_label="appointments", model="patient")
    assert ContentType.objects.get_for_model(Patient) == stored
    before = set(Permission.objects.filter(content_type=stored).values_list("pk", "codename"))
    for config in apps.get_app_configs():
        create_permissions(config, verbosity=0)
    assert {codename for _, codename in before} == {f"{verb}_patient" for verb in ("add", "change", "delete", "view")}
    assert set(Permission.objects.filter(codename__endswith="_patient").values_list("pk", "codename")) == before


@pytest.mark.django_db
def test_foreign_keys_still_point_at_the_patient_table() -> None:
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, "appointment")
    keys = {tuple(one["columns"]): one["foreign_key"] for one in constraints.values() if one["foreign_key"]}
    assert keys[("patient_id",)] == ("patient", "id")
