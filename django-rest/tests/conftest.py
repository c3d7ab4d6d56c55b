import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache as remembered
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection, transaction
from django.test import override_settings
from pytest_django import DjangoDbBlocker
from pytest_django.fixtures import Settings

from testkit.clinic.database import empty_what_numbers_its_deletes, start_numbering, wait_for_the_probes
from testkit.clinic.sign_ins import SignedIn
from testkit.clinic.times import At, in_days
from testkit.clinic.world import World, copy_of, make_world
from tools import migrated

PRODUCTION_HASHERS = settings.PASSWORD_HASHERS


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """The test database is a copy of a migrated one, where there is one to copy."""
    creation: Any = connection.creation  # Its stubs know less than it has.
    migrate_it = creation.create_test_db

    def create(**options: Any) -> str:
        if migrated.COPY not in os.environ:
            return str(migrate_it(**options))
        name: str = creation._get_test_db_name()
        creation._create_test_db(verbosity=0, autoclobber=True)
        connection.close()
        settings.DATABASES[connection.alias]["NAME"] = connection.settings_dict["NAME"] = name
        migrated.fill(name)
        return name

    creation.create_test_db = create


@pytest.fixture(scope="session", autouse=True)
def _settings_for_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with override_settings(
        # Argon2 is slow on purpose. Tests of hashing take `production_hashing`.
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        MEDIA_ROOT=tmp_path_factory.mktemp("media"),
        # Every test client would read the whole folder that `make run` has collected.
        STATIC_ROOT=tmp_path_factory.mktemp("static"),
    ):
        yield


@pytest.fixture
def production_hashing() -> Iterator[None]:
    """Passwords are hashed as on a real server. Must come before `world` in a test's arguments."""
    with override_settings(PASSWORD_HASHERS=PRODUCTION_HASHERS):
        yield


# Not for every test: those without a world keep no files, and a folder for each costs as much as the test.
@pytest.fixture
def _own_media_folder(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def world(db: None, _own_media_folder: None) -> World:
    # A test that commits empties every table at its end, the feed's own too.
    start_numbering()
    wait_for_the_probes()
    return make_world()


@pytest.fixture(scope="module")
def world_of_the_module(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """For modules whose tests undo by themselves what they change."""
    with django_db_blocker.unblock(), transaction.atomic():
        start_numbering()
        wait_for_the_probes()
        yield make_world()
        transaction.set_rollback(True)


@pytest.fixture
def shared_world(db: None, world_of_the_module: World) -> World:
    """The module's world, with people as they were made, for a test whose changes `db` undoes."""
    remembered.clear()
    wait_for_the_probes()
    return copy_of(world_of_the_module)


@pytest.fixture
def keep_the_connection() -> Iterator[None]:
    """The application runs within the test's transaction, as under Django's own test client."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture(scope="module")
def signed_in(world_of_the_module: World) -> SignedIn:
    return SignedIn(world_of_the_module)


@pytest.fixture
def tomorrow_at() -> At:
    """An instant of tomorrow, Riverside's wall time."""
    return in_days(1)


@pytest.fixture
def committed_world(transactional_db: None, _own_media_folder: None) -> Iterator[World]:
    """For tests with several connections: rows that are really committed. The flush that ends such a test also
    empties the feed's own tables, so its numbering starts anew."""
    start_numbering()
    wait_for_the_probes()
    yield make_world()
    empty_what_numbers_its_deletes()
