"""Whether a pair of keys can sign and check tokens: a wrong one stops a service at its start."""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

KINDS = {"RS256": "an RSA key of 2048 bits or more", "ES256": "an EC key on the curve P-256"}
MIN_RSA_BITS = 2048


def problem_of_public_key(algorithm: str, pem: str) -> str | None:
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        return "not a public key in PEM form"
    return None if _fits(algorithm, key) else f"{algorithm} needs {KINDS[algorithm]}"


def problem_of_private_key(algorithm: str, pem: str, public_pem: str) -> str | None:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: locked by a password.
        return "not a private key in PEM form without a password"
    if not isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey) or not _fits(algorithm, key.public_key()):
        return f"{algorithm} needs {KINDS[algorithm]}"
    if problem_of_public_key(algorithm, public_pem):
        return None  # Which is said already; there is nothing to compare with.
    return (
        None if load_pem_public_key(public_pem.encode()) == key.public_key() else "not the other half of JWT_PUBLIC_KEY"
    )


def _fits(algorithm: str, key: object) -> bool:
    if algorithm == "RS256":
        return isinstance(key, RSAPublicKey) and key.key_size >= MIN_RSA_BITS
    return isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
