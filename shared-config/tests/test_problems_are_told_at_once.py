from typing import Any

import pytest
from shared_config import ConfigurationError, DjangoSettings, StreamSettings, load_settings

BOTH = pytest.mark.parametrize("settings_class", [DjangoSettings, StreamSettings])


def test_every_problem_is_told_at_once_and_by_name(loader: Any) -> None:
    problems = loader.problems(
        DjangoSettings,
        DB_PASSWORD=None,
        DB_PORT="many",
        JWT_SECRET_KEY="short",
        JWT_ACCESS_TOKEN_LIFETIME="0",
        LOG_FORMAT="poem",
        CORS_ALLOWED_ORIGINS="https://desk.example,everywhere",
    )

    assert {problem.partition(":")[0] for problem in problems} == {
        "DB_PASSWORD",
        "DB_PORT",
        "JWT_SECRET_KEY",
        "JWT_ACCESS_TOKEN_LIFETIME",
        "LOG_FORMAT",
        "CORS_ALLOWED_ORIGINS",
    }


@BOTH
def test_message_names_the_service_and_each_setting_on_a_line(settings_class: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(settings_class, env_files=())

    first, *lines = str(caught.value).splitlines()
    assert first.startswith(f"{settings_class.service_name} cannot start, {len(lines)} setting(s) are wrong")
    assert lines == [f"  - {problem}" for problem in caught.value.problems]


def test_django_needs_its_secrets() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(DjangoSettings, env_files=())

    assert sorted(caught.value.problems) == [
        "DB_PASSWORD: missing",
        "DJANGO_SECRET_KEY: missing",
        "JWT_SECRET_KEY: missing, needed with JWT_ALGORITHM=HS256",
    ]


def test_stream_needs_only_its_own_secrets() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(StreamSettings, env_files=())

    assert sorted(caught.value.problems) == [
        "JWT_SECRET_KEY: missing, needed with JWT_ALGORITHM=HS256",
        "SSE_DB_PASSWORD: missing",
    ]


def test_stream_does_not_take_in_the_secrets_of_django(loader: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SECRET_KEY", "kR7-sessions-of-the-admin-Qx2-00002")
    monkeypatch.setenv("JWT_PRIVATE_KEY", "kR7-no-business-of-the-stream")

    assert {"django_secret_key", "jwt_private_key", "db_password"}.isdisjoint(loader.load(StreamSettings).model_dump())


@pytest.mark.parametrize("port", ["0", "65536", "-1", "eight", "80.5"])
@pytest.mark.parametrize("name", ["DB_PORT", "DJANGO_PORT", "FASTAPI_PORT"])
def test_a_port_that_is_none_is_refused(loader: Any, name: str, port: str) -> None:
    (problem,) = loader.problems(DjangoSettings, **{name: port})

    assert problem.startswith(f"{name}: ")


@pytest.mark.parametrize(
    "origins", ["*", "desk.example", "ftp://desk.example", "https://", "https://desk.example/path", "https://a.b?c=d"]
)
def test_an_origin_that_no_browser_sends_is_refused(loader: Any, origins: str) -> None:
    (problem,) = loader.problems(StreamSettings, CORS_ALLOWED_ORIGINS=origins)

    assert problem == "CORS_ALLOWED_ORIGINS: each origin is http(s)://host[:port] without a path"


@pytest.mark.parametrize("url", ["stream.example", "https://stream.example/path", "https://stream.example/"])
def test_a_stream_url_that_is_no_origin_is_refused(loader: Any, url: str) -> None:
    (problem,) = loader.problems(DjangoSettings, STREAM_URL=url)
    assert problem == "STREAM_URL: http(s)://host[:port] without a path"


def test_lists_are_written_with_commas(loader: Any) -> None:
    settings = loader.load(
        DjangoSettings,
        CORS_ALLOWED_ORIGINS="http://localhost:3000, https://desk.example,",
        DJANGO_ALLOWED_HOSTS="desk.example, localhost",
    )

    assert settings.cors_allowed_origins == ["http://localhost:3000", "https://desk.example"]
    assert settings.django_allowed_hosts == ["desk.example", "localhost"]


@pytest.mark.parametrize("name", ["", "a b", "x;drop", "`", "a" * 33])
def test_a_database_name_that_would_need_quoting_is_refused(loader: Any, name: str) -> None:
    if name:
        (problem,) = loader.problems(StreamSettings, DB_NAME=name)
        assert problem.startswith("DB_NAME: ")
    else:
        assert loader.load(StreamSettings, DB_NAME=name).db_name == "chairside"


@pytest.mark.parametrize("lifetime", ["0", "-5", "100000", "soon"])
def test_a_token_lifetime_out_of_range_is_refused(loader: Any, lifetime: str) -> None:
    (problem,) = loader.problems(DjangoSettings, JWT_ACCESS_TOKEN_LIFETIME=lifetime)

    assert problem.startswith("JWT_ACCESS_TOKEN_LIFETIME: ")


def test_settings_do_not_change_once_read(loader: Any) -> None:
    with pytest.raises(ValueError, match="frozen"):
        loader.load(DjangoSettings).db_name = "another"


def test_workers_of_the_stream_are_refused_and_replicas_named(loader: Any) -> None:
    [problem] = loader.problems(StreamSettings, SSE_WORKERS="4")
    assert problem == "SSE_WORKERS: no longer supported, run replicas instead: SSE_REPLICAS and SSE_REPLICA_ADDRESSES"


def test_settings_file_of_former_versions_with_one_worker_is_accepted(loader: Any) -> None:
    assert loader.load(StreamSettings, SSE_WORKERS="1").sse_replicas == 1


def test_several_replicas_need_their_addresses(loader: Any) -> None:
    [problem] = loader.problems(StreamSettings, SSE_REPLICAS="2")
    assert problem == "SSE_REPLICA_ADDRESSES: missing, needed with more than one of SSE_REPLICAS"


@pytest.mark.parametrize("addresses", ["10.0.0.5", "10.0.0.5:", ":8001", "http://10.0.0.5:8001", "a:8001,b:70000"])
def test_address_of_a_replica_without_host_or_port_is_refused(loader: Any, addresses: str) -> None:
    problems = loader.problems(StreamSettings, SSE_REPLICAS="2", SSE_REPLICA_ADDRESSES=addresses)
    assert problems == ["SSE_REPLICA_ADDRESSES: each address is host:port"]


def test_addresses_of_replicas_are_separated_by_commas(loader: Any) -> None:
    settings = loader.load(StreamSettings, SSE_REPLICAS="2", SSE_REPLICA_ADDRESSES="10.0.0.5:8001, [fd00::6]:8001")
    assert settings.sse_replica_addresses == ["10.0.0.5:8001", "[fd00::6]:8001"]
