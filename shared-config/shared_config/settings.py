"""All settings: for which service, and which values are refused.

A field's name in lower case is its variable's name. Each service has a class of its own, so that a service
never needs, and a container never holds, the other one's secrets.
"""

from collections.abc import Mapping
from itertools import combinations
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    Field,
    FilePath,
    HttpUrl,
    IPvAnyNetwork,
    ModelWrapValidatorHandler,
    SecretStr,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from shared_config import keys
from shared_config.addresses import TrustedProxies
from shared_config.secret_files import SecretFileSource, with_secrets_from_files

MIN_SECRET_LENGTH = 32
MIN_DIFFERENT_CHARACTERS = 8
# Values that stand in examples, tutorials and templates all over the world.
WELL_KNOWN_SECRETS = frozenset({"changeme", "secret", "password", "insecure", "example", "{random}", "default"})
# Every token carries its audience: an access token is no stream ticket, and another product's token is neither.
ACCESS_AUDIENCE = "chairside"
STREAM_AUDIENCE = "chairside-stream"
# Of a row, in a session of django-rest; the stream looks for late commits so much further back.
LOCK_WAIT_SECONDS = 5

Port = Annotated[int, Field(ge=1, le=65535)]
TlsMode = Literal["disabled", "preferred", "required", "verify_ca", "verify_identity"]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,32}$")]


class ConfigurationError(Exception):
    """Some settings are missing or wrong. `problems` names each; no value is ever in it."""

    def __init__(self, service_name: str, problems: list[str]) -> None:
        self.problems = problems
        lines = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(f"{service_name} cannot start, {len(problems)} setting(s) are wrong:\n{lines}")


# A front end under development, as browsers name its origin.
DEBUG_ORIGINS = ("http://localhost:3000", "http://127.0.0.1:3000")


class Settings(BaseSettings):
    """Settings that both services read."""

    # A variable without a value counts as not set: `NAME=` in a file, or what compose passes on.
    model_config = SettingsConfigDict(extra="ignore", hide_input_in_errors=True, frozen=True, env_ignore_empty=True)

    service_name: ClassVar[str]
    debug_setting: ClassVar[str]
    # Secrets that must be long, of your own making, and differ from each other.
    guarded_secrets: ClassVar[tuple[str, ...]] = ()
    keys_of_algorithm: ClassVar[dict[str, tuple[str, ...]]] = {
        "HS256": ("jwt_secret_key",),
        "RS256": ("jwt_public_key",),
        "ES256": ("jwt_public_key",),
    }

    db_host: str = "127.0.0.1"
    db_port: Port = 13306
    db_name: Identifier = "chairside"
    # Without a mode: `verify_identity` with a CA, else `disabled`.
    db_ssl_mode: TlsMode | None = None
    db_ssl_ca: FilePath | None = None
    # A transaction whose process says nothing for so long is undone by the server. The stream looks for late commits as
    # far back.
    db_idle_transaction_seconds: int = Field(default=3, ge=1, le=600)

    django_port: Port = 8000
    fastapi_port: Port = 8001

    jwt_algorithm: Literal["HS256", "RS256", "ES256"] = "HS256"
    jwt_secret_key: SecretStr | None = None
    jwt_public_key: SecretStr | None = None
    jwt_issuer: str = Field(default="chairside", min_length=1)

    # Besides owners and superusers, these addresses see the details of /health.
    metrics_networks: Annotated[list[IPvAnyNetwork], NoDecode] = []
    cors_allowed_origins: Annotated[list[str], NoDecode] = []
    # The board of django-rest takes more silence than this for a lost connection.
    sse_heartbeat_seconds: float = Field(default=15, ge=0.1, le=300)
    enable_sse: bool = True
    enable_real_time_updates: bool = True
    log_format: Literal["text", "json"] = "text"
    # Proxies in front: the client's address and scheme are believed from these peers alone.
    trusted_proxies: Annotated[list[str], NoDecode] = ["127.0.0.1", "::1"]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        places = (env_settings, dotenv_settings)
        return (init_settings, *places, SecretFileSource(settings_cls, places))

    @property
    def db_tls_mode(self) -> TlsMode:
        return self.db_ssl_mode or ("verify_identity" if self.db_ssl_ca else "disabled")

    @property
    def jwt_verifying_key(self) -> str:
        """The key that checks a token: the shared secret, or the public key."""
        key = self.jwt_secret_key if self.jwt_algorithm == "HS256" else self.jwt_public_key
        return _key_in(key)

    @field_validator("cors_allowed_origins", "metrics_networks", "trusted_proxies", mode="before")
    @classmethod
    def _split_commas(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @property
    def allowed_origins(self) -> list[str]:
        """Also those of development, in debug."""
        of_debug = DEBUG_ORIGINS if getattr(self, self.debug_setting) else ()
        return list(dict.fromkeys((*self.cors_allowed_origins, *of_debug)))

    @field_validator("cors_allowed_origins")
    @classmethod
    def _check_origins(cls, origins: list[str]) -> list[str]:
        if not all(map(_is_origin, origins)):
            raise ValueError("each origin is http(s)://host[:port] without a path")
        return origins

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, proxies: list[str]) -> list[str]:
        try:
            TrustedProxies(proxies)
        except ValueError:
            raise ValueError("each proxy is an address, or a network as 10.0.0.0/8") from None
        return proxies

    @field_validator("jwt_public_key", "jwt_private_key", mode="before", check_fields=False)
    @classmethod
    def _read_escaped_lines(cls, value: object) -> object:
        return _unescaped(value) if isinstance(value, str) else value

    @model_validator(mode="wrap")
    @classmethod
    def _report_everything_at_once(cls, values: dict[str, Any], read: ModelWrapValidatorHandler[Self]) -> Self:
        values, problems = with_secrets_from_files(values)
        # The checks across fields look at the raw values, so that they report beside a field's own error.
        problems += [*cls._missing_keys(values), *cls._wrong_keys(values), *cls._mismatched_tls(values)]
        if not _is_true(values.get(cls.debug_setting)):
            problems += cls._weak(values)
        try:
            settings = read(values)
        except ValidationError as error:
            problems = [_describe(detail) for detail in error.errors()] + problems
        if problems:
            raise ConfigurationError(cls.service_name, problems)
        return settings

    @classmethod
    def _missing_keys(cls, values: Mapping[str, Any]) -> list[str]:
        # Of a word that is no algorithm, the field says so itself.
        algorithm = values.get("jwt_algorithm", "HS256")
        return [
            f"{name.upper()}: missing, needed with JWT_ALGORITHM={algorithm}"
            for name in cls.keys_of_algorithm.get(algorithm, ())
            if values.get(name) is None
        ]

    @classmethod
    def _wrong_keys(cls, values: Mapping[str, Any]) -> list[str]:
        algorithm, public_key = values.get("jwt_algorithm"), values.get("jwt_public_key")
        if algorithm not in keys.KINDS or not public_key:
            return []
        problem = keys.problem_of_public_key(algorithm, _unescaped(public_key))
        return [f"JWT_PUBLIC_KEY: {problem}"] if problem else []

    @classmethod
    def _mismatched_tls(cls, values: Mapping[str, Any]) -> list[str]:
        mode, authority = values.get("db_ssl_mode"), values.get("db_ssl_ca")
        verifies = mode in {"verify_ca", "verify_identity"}
        if verifies and not authority:
            return [f"DB_SSL_CA: missing, needed with DB_SSL_MODE={mode}"]
        if mode and authority and not verifies:
            return ["DB_SSL_CA: only read with DB_SSL_MODE=verify_ca or verify_identity"]
        return []

    @classmethod
    def _weak(cls, values: Mapping[str, Any]) -> list[str]:
        secrets = {name: str(value) for name in cls.guarded_secrets if (value := values.get(name))}
        problems = []
        for name, secret in secrets.items():
            if any(known in secret.lower() for known in WELL_KNOWN_SECRETS):
                problems.append(f"{name.upper()}: a well-known value, make one of your own")
            elif len(secret) < MIN_SECRET_LENGTH:
                problems.append(f"{name.upper()}: shorter than {MIN_SECRET_LENGTH} characters")
            elif len(set(secret)) < MIN_DIFFERENT_CHARACTERS:
                problems.append(f"{name.upper()}: the same few characters again and again")
        for (one, first), (other, second) in combinations(secrets.items(), 2):
            if first == second:
                problems.append(f"{other.upper()}: the same value as {one.upper()}, each purpose needs its own")
        return problems


class DjangoSettings(Settings):
    service_name: ClassVar[str] = "django-rest"
    debug_setting: ClassVar[str] = "django_debug"
    guarded_secrets: ClassVar[tuple[str, ...]] = (
        "django_secret_key",
        "jwt_secret_key",
        "db_password",
        "sse_db_password",
        "vapid_secret",
    )
    keys_of_algorithm: ClassVar[dict[str, tuple[str, ...]]] = {
        "HS256": ("jwt_secret_key",),
        "RS256": ("jwt_public_key", "jwt_private_key"),
        "ES256": ("jwt_public_key", "jwt_private_key"),
    }

    db_user: str = "chairside"
    db_password: SecretStr
    # May create database users; only `create_stream_user` signs in as this one.
    db_admin_user: str | None = None
    db_admin_password: SecretStr | None = None
    sse_db_user: Identifier = "chairside_stream"
    sse_db_password: SecretStr | None = None

    django_secret_key: SecretStr
    django_allowed_hosts: Annotated[list[str], NoDecode] = ["localhost", "127.0.0.1"]
    django_debug: bool = False
    # The stream as browsers reach it. Without one, it has the address of the pages, as behind the gateway.
    stream_url: str | None = None

    # The outside's address of django-rest, through whatever stands in front: Twilio signs the one it calls.
    public_url: str | None = None

    jwt_private_key: SecretStr | None = None
    jwt_access_token_lifetime: int = Field(default=5, ge=1, le=24 * 60, description="minutes")
    jwt_refresh_token_lifetime: int = Field(default=1, ge=1, le=365, description="days")
    # Of all refresh tokens that come of one sign-in by rotation.
    jwt_session_lifetime: int = Field(default=30, ge=1, le=3650, description="days")

    # Connections of one process of django-rest. A request's head has so many seconds to arrive, its body so many and
    # some more for each of its bytes.
    rest_max_connections: int = Field(default=1_000, ge=10)
    rest_max_connections_per_address: int = Field(default=200, ge=0, description="0: no limit; proxies have none")
    rest_head_seconds: float = Field(default=10, ge=0.1, le=300)
    rest_body_seconds: float = Field(default=30, ge=0.1, le=3600)

    # Days after which the worker removes what neither history nor law needs; 0: never.
    keep_message_words_days: int = Field(default=90, ge=0, le=36_500)
    keep_notifications_days: int = Field(default=90, ge=0, le=36_500)
    keep_incoming_sms_days: int = Field(default=365, ge=0, le=36_500)
    # Of `make run`; in containers the engine keeps them.
    keep_logs_days: int = Field(default=30, ge=0, le=36_500)

    # Share of the machine for a worker. Most of sending is waiting for a provider, so senders outnumber cores. A
    # sender takes a few messages at once: one without an answer holds up few, and a kill leaves few behind.
    worker_senders: int = Field(default=8, ge=1, le=200)
    worker_batch: int = Field(default=10, ge=1, le=100)
    worker_cpu_share: float = Field(default=0.7, ge=0.05, le=64, description="of a core, for all senders together")
    worker_niceness: int = Field(default=10, ge=0, le=19)

    # Off, addresses may ask as often as they like: for load tests. Wrong passwords lock an account all the same.
    enable_rate_limits: bool = True
    # The front end's page that takes the link of a mail: `?token=` is added. Without one, it is our own `/password` at
    # `public_url`; without that too, the mail shows the token, for the same page.
    password_url: HttpUrl | None = None

    # Folder of photos: django-rest writes and serves them. Default: var/media of the project.
    media_folder: str | None = None

    # E-mail goes to this server; without one, to files in the folder; without either it cannot be sent.
    email_host: str | None = None
    email_port: Port = 587
    email_security: Literal["starttls", "tls", "none"] = "starttls"
    email_host_user: str = ""
    email_host_password: SecretStr | None = None
    email_from: str = Field(default="Chairside <no-reply@localhost>", min_length=3)
    email_folder: str | None = None

    # The pair of keys of web push is derived from it; without one there is no web push.
    vapid_secret: SecretStr | None = None

    # SMS go through Twilio; without it, to files in the folder; without either they cannot be sent.
    sms_folder: str | None = None
    twilio_account_sid: str | None = None
    twilio_auth_token: SecretStr | None = None
    twilio_from: str | None = Field(default=None, description="the sender's number, in E.164")
    # For tests and proxies: another address that speaks Twilio's API.
    twilio_base_url: str | None = None

    @property
    def jwt_signing_key(self) -> str:
        """The key that signs a token: the shared secret, or the private key."""
        key = self.jwt_secret_key if self.jwt_algorithm == "HS256" else self.jwt_private_key
        return _key_in(key)

    @field_validator("django_allowed_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("stream_url", "public_url")
    @classmethod
    def _check_address(cls, url: str | None) -> str | None:
        if url is not None and not _is_origin(url):
            raise ValueError("http(s)://host[:port] without a path")
        return url

    @classmethod
    def _wrong_keys(cls, values: Mapping[str, Any]) -> list[str]:
        problems = super()._wrong_keys(values)
        algorithm, private_key = values.get("jwt_algorithm"), values.get("jwt_private_key")
        if algorithm not in keys.KINDS or not private_key:
            return problems
        problem = keys.problem_of_private_key(
            algorithm, _unescaped(private_key), _unescaped(values.get("jwt_public_key"))
        )
        return [*problems, f"JWT_PRIVATE_KEY: {problem}"] if problem else problems


class StreamSettings(Settings):
    service_name: ClassVar[str] = "fastapi-sse"
    debug_setting: ClassVar[str] = "fastapi_debug"
    guarded_secrets: ClassVar[tuple[str, ...]] = ("jwt_secret_key", "sse_db_password")

    sse_db_user: Identifier = "chairside_stream"
    sse_db_password: SecretStr
    # A replica that the stream reads in place of the server that django-rest writes to.
    sse_db_host: str | None = None
    sse_db_port: Port | None = None

    stream_host: str = Field(default="127.0.0.1", min_length=1)
    fastapi_debug: bool = False
    sse_poll_interval_ms: int = Field(default=15, ge=5, le=5000)
    sse_drain_seconds: float = Field(default=1, ge=0, le=300)
    sse_gzip: bool = True
    # Processes of the stream behind one gateway, and the host and port of each; a name may stand for several.
    sse_replicas: int = Field(default=1, ge=1, le=64)
    sse_replica_addresses: Annotated[list[str], NoDecode] = []
    # Of all replicas together; 0 is no limit.
    sse_max_connections: int = Field(default=10_000, ge=0)
    sse_max_connections_per_address: int = Field(default=1_000, ge=0)
    sse_max_connections_per_user: int = Field(default=100, ge=0)
    sse_anonymous_percent: int = Field(default=80, ge=1, le=100)
    sse_max_anonymous_per_address: int = Field(default=100, ge=0)
    # For the head of a request, and as many again for its body.
    sse_request_seconds: float = Field(default=10, ge=0.1, le=300)
    # Connections of one replica without a complete request; 0 is no limit. The oldest is closed, none of the last two
    # seconds.
    sse_max_unfinished_requests: int = Field(default=2_000, ge=0)
    sse_max_unfinished_requests_per_address: int = Field(default=200, ge=0)
    # Settings files of former versions name it.
    sse_workers: int = Field(default=1, deprecated="replicas took its place")

    @field_validator("sse_workers")
    @classmethod
    def _refuse_workers(cls, workers: int) -> int:
        if workers != 1:
            raise ValueError("no longer supported, run replicas instead: SSE_REPLICAS and SSE_REPLICA_ADDRESSES")
        return workers

    @field_validator("sse_replica_addresses", mode="before")
    @classmethod
    def _split_addresses(cls, value: object) -> object:
        return cls._split_commas(value)

    @field_validator("sse_replica_addresses")
    @classmethod
    def _check_addresses(cls, addresses: list[str]) -> list[str]:
        if not all(map(_is_host_and_port, addresses)):
            raise ValueError("each address is host:port")
        return addresses

    @classmethod
    def _missing_keys(cls, values: Mapping[str, Any]) -> list[str]:
        missing = super()._missing_keys(values)
        if str(values.get("sse_replicas", 1)) != "1" and not values.get("sse_replica_addresses"):
            missing.append("SSE_REPLICA_ADDRESSES: missing, needed with more than one of SSE_REPLICAS")
        return missing

    @property
    def sse_max_anonymous(self) -> int:
        """Public streams of all replicas together; 0 is no limit."""
        return -(-self.sse_max_connections * self.sse_anonymous_percent // 100)

    @property
    def reads_replica(self) -> bool:
        """Then the stream follows the worker's pulse, to see when the replica has stopped following."""
        return self.sse_db_host is not None or self.sse_db_port is not None


def _is_origin(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and text == f"{parts.scheme}://{parts.netloc}"


def _is_host_and_port(text: str) -> bool:
    parts = urlsplit(f"//{text}")
    try:
        return bool(parts.hostname and parts.port) and text == parts.netloc and "@" not in text
    except ValueError:  # The port is no number, or too high.
        return False


def _key_in(secret: SecretStr | None) -> str:
    """The text of a key that the settings were checked to have."""
    if secret is None:
        raise LookupError("A key is not set.")
    return secret.get_secret_value()


def _unescaped(key: object) -> str:
    # A PEM key on one line of an environment file has its line ends written as \n.
    return str(key or "").replace("\\n", "\n")


def _is_true(value: object) -> bool:
    try:
        return TypeAdapter(bool).validate_python(value)
    except ValidationError:
        return False


def _describe(detail: ErrorDetails) -> str:
    name = str(detail["loc"][0]).upper()
    return f"{name}: {'missing' if detail['type'] == 'missing' else detail['msg'].removeprefix('Value error, ')}"
