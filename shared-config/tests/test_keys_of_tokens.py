from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from shared_config import DjangoSettings, StreamSettings

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def key_of(kind: str, number: int = 1) -> PrivateKey:
    if kind == "RS256":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    if kind == "RSA of 1024 bits":
        return rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505  # To be refused.
    return ec.generate_private_key(ec.SECP256R1() if kind == "ES256" else ec.SECP384R1())


def private_pem(key: PrivateKey, password: bytes | None = None) -> str:
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption).decode()


def public_pem(key: PrivateKey) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def pair(algorithm: str, kind: str | None = None) -> dict[str, str | None]:
    key = key_of(kind or algorithm)
    return {
        "JWT_ALGORITHM": algorithm,
        "JWT_PRIVATE_KEY": private_pem(key),
        "JWT_PUBLIC_KEY": public_pem(key),
        "JWT_SECRET_KEY": None,
    }


BOTH_ALGORITHMS = pytest.mark.parametrize("algorithm", ["RS256", "ES256"])


def test_one_shared_secret_signs_and_checks_by_default(loader: Any) -> None:
    settings = loader.load(DjangoSettings)

    assert settings.jwt_signing_key == settings.jwt_verifying_key == loader.load(StreamSettings).jwt_verifying_key


@BOTH_ALGORITHMS
def test_django_signs_with_the_private_key_and_checks_with_the_public_one(loader: Any, algorithm: str) -> None:
    settings = loader.load(DjangoSettings, **pair(algorithm))

    assert settings.jwt_signing_key == private_pem(key_of(algorithm))
    assert settings.jwt_verifying_key == public_pem(key_of(algorithm))


@BOTH_ALGORITHMS
def test_stream_holds_the_public_key_alone(loader: Any, algorithm: str) -> None:
    settings = loader.load(StreamSettings, **pair(algorithm))

    assert settings.jwt_verifying_key == public_pem(key_of(algorithm))
    assert "PRIVATE" not in str({name: str(value) for name, value in settings})


@BOTH_ALGORITHMS
def test_a_key_may_stand_on_one_line(loader: Any, algorithm: str) -> None:
    on_one_line = {name: value and value.replace("\n", "\\n") for name, value in pair(algorithm).items()}

    settings = loader.load(DjangoSettings, **on_one_line)

    assert settings.jwt_signing_key == private_pem(key_of(algorithm))
    assert settings.jwt_verifying_key == public_pem(key_of(algorithm))


@BOTH_ALGORITHMS
def test_each_missing_key_is_named(loader: Any, algorithm: str) -> None:
    assert loader.problems(DjangoSettings, JWT_ALGORITHM=algorithm) == [
        f"JWT_PUBLIC_KEY: missing, needed with JWT_ALGORITHM={algorithm}",
        f"JWT_PRIVATE_KEY: missing, needed with JWT_ALGORITHM={algorithm}",
    ]
    assert loader.problems(StreamSettings, JWT_ALGORITHM=algorithm) == [
        f"JWT_PUBLIC_KEY: missing, needed with JWT_ALGORITHM={algorithm}"
    ]


@pytest.mark.parametrize(
    ("algorithm", "kind"), [("RS256", "ES256"), ("ES256", "RS256"), ("RS256", "RSA of 1024 bits"), ("ES256", "P-384")]
)
def test_a_key_of_another_kind_is_refused(loader: Any, algorithm: str, kind: str) -> None:
    problems = loader.problems(DjangoSettings, **pair(algorithm, kind))

    assert [problem.partition(" needs ")[0] for problem in problems] == [
        f"JWT_PUBLIC_KEY: {algorithm}",
        f"JWT_PRIVATE_KEY: {algorithm}",
    ]


@BOTH_ALGORITHMS
def test_invalid_key_is_refused(loader: Any, algorithm: str) -> None:
    nonsense = {"JWT_PUBLIC_KEY": "nonsense", "JWT_PRIVATE_KEY": "nonsense"}

    assert loader.problems(DjangoSettings, **{**pair(algorithm), **nonsense}) == [
        "JWT_PUBLIC_KEY: not a public key in PEM form",
        "JWT_PRIVATE_KEY: not a private key in PEM form without a password",
    ]


def test_a_private_key_in_the_place_of_the_public_one_is_refused(loader: Any) -> None:
    swapped = {**pair("RS256"), "JWT_PUBLIC_KEY": private_pem(key_of("RS256"))}

    assert loader.problems(StreamSettings, **swapped) == ["JWT_PUBLIC_KEY: not a public key in PEM form"]


def test_a_private_key_locked_by_a_password_is_refused(loader: Any) -> None:
    locked = {**pair("RS256"), "JWT_PRIVATE_KEY": private_pem(key_of("RS256"), b"locked")}

    assert loader.problems(DjangoSettings, **locked) == [
        "JWT_PRIVATE_KEY: not a private key in PEM form without a password"
    ]


def test_two_halves_of_different_pairs_are_refused(loader: Any) -> None:
    halves = {**pair("ES256"), "JWT_PRIVATE_KEY": private_pem(key_of("ES256", number=2))}

    assert loader.problems(DjangoSettings, **halves) == ["JWT_PRIVATE_KEY: not the other half of JWT_PUBLIC_KEY"]


@pytest.mark.parametrize("algorithm", ["none", "HS512", "hs256"])
def test_an_algorithm_that_is_not_offered_is_refused(loader: Any, algorithm: str) -> None:
    (problem,) = loader.problems(StreamSettings, JWT_ALGORITHM=algorithm)

    assert problem.startswith("JWT_ALGORITHM: ")
