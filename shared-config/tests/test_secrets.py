import traceback
from typing import Any

import pytest
from shared_config import ConfigurationError, DjangoSettings, StreamSettings

GUARDED = [
    (settings_class, name.upper())
    for settings_class in (DjangoSettings, StreamSettings)
    for name in settings_class.guarded_secrets
]
EACH_SECRET = pytest.mark.parametrize(("settings_class", "name"), GUARDED)
DEBUG = {DjangoSettings: "DJANGO_DEBUG", StreamSettings: "FASTAPI_DEBUG"}


@EACH_SECRET
def test_a_short_secret_is_refused(loader: Any, settings_class: Any, name: str) -> None:
    assert loader.problems(settings_class, **{name: "kR7-only-31-characters-Qx2-0000"}) == [
        f"{name}: shorter than 32 characters"
    ]


@EACH_SECRET
@pytest.mark.parametrize(
    "value", ["changeme" * 5, "django-insecure-" + "k7Qx2" * 8, "my-PassWord-for-everything-here-2026", "{random}"]
)
def test_a_well_known_secret_is_refused(loader: Any, settings_class: Any, name: str, value: str) -> None:
    assert loader.problems(settings_class, **{name: value}) == [f"{name}: a well-known value, make one of your own"]


@EACH_SECRET
def test_a_secret_of_the_same_few_characters_is_refused(loader: Any, settings_class: Any, name: str) -> None:
    assert loader.problems(settings_class, **{name: "ab12" * 12}) == [
        f"{name}: the same few characters again and again"
    ]


@EACH_SECRET
@pytest.mark.parametrize("value", ["short", "changeme", "a" * 40])
def test_debug_lets_any_secret_pass(loader: Any, settings_class: Any, name: str, value: str) -> None:
    loader.load(settings_class, **{name: value, DEBUG[settings_class]: "true"})


@pytest.mark.parametrize("debug", ["false", "0", "no", "maybe"])
def test_only_a_clear_yes_is_debug(loader: Any, debug: str) -> None:
    problems = loader.problems(DjangoSettings, JWT_SECRET_KEY="short", DJANGO_DEBUG=debug)

    assert "JWT_SECRET_KEY: shorter than 32 characters" in problems


def test_debug_of_one_service_does_not_loosen_the_other(loader: Any) -> None:
    assert loader.problems(StreamSettings, JWT_SECRET_KEY="short", DJANGO_DEBUG="true") == [
        "JWT_SECRET_KEY: shorter than 32 characters"
    ]


def test_one_secret_for_two_purposes_is_refused(loader: Any) -> None:
    same = "kR7-one-for-everything-Qx2-000000001"

    assert loader.problems(DjangoSettings, DJANGO_SECRET_KEY=same, JWT_SECRET_KEY=same) == [
        "JWT_SECRET_KEY: the same value as DJANGO_SECRET_KEY, each purpose needs its own"
    ]


def test_database_password_of_django_is_not_the_streams(loader: Any) -> None:
    same = "kR7-one-for-everything-Qx2-000000001"

    assert loader.problems(DjangoSettings, DB_PASSWORD=same, SSE_DB_PASSWORD=same) == [
        "SSE_DB_PASSWORD: the same value as DB_PASSWORD, each purpose needs its own"
    ]


def test_one_secret_for_two_purposes_passes_with_debug(loader: Any) -> None:
    loader.load(DjangoSettings, DJANGO_SECRET_KEY="short", JWT_SECRET_KEY="short", DJANGO_DEBUG="true")


@pytest.mark.parametrize(
    ("settings_class", "name"),
    # Only create_stream_user needs the stream's password there, and only web push its secret.
    [pair for pair in GUARDED if pair[1] not in ("SSE_DB_PASSWORD", "VAPID_SECRET") or pair[0] is StreamSettings],
)
def test_a_secret_without_a_value_is_missing_even_with_debug(loader: Any, settings_class: Any, name: str) -> None:
    (problem,) = loader.problems(settings_class, **{name: "", DEBUG[settings_class]: "true"})

    assert problem.startswith(f"{name}: missing")


@pytest.mark.parametrize("settings_class", [DjangoSettings, StreamSettings])
def test_settings_print_no_secret(loader: Any, settings_class: Any) -> None:
    settings = loader.load(settings_class)

    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert "kR7" not in shown
    assert "chairside" in shown


@pytest.mark.parametrize("settings_class", [DjangoSettings, StreamSettings])
def test_refusal_prints_no_value(loader: Any, settings_class: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        loader.load(
            settings_class,
            JWT_SECRET_KEY="kR7-too-short",
            JWT_ALGORITHM="kR7-in-the-wrong-line",
            DB_PORT="kR7-in-the-wrong-line",
            CORS_ALLOWED_ORIGINS="kR7-in-the-wrong-line",
            LOG_FORMAT="kR7-in-the-wrong-line",
            DB_NAME="kR7 in the wrong line",
        )

    assert len(caught.value.problems) == 6
    assert "kR7" not in "".join(traceback.format_exception(caught.value))
