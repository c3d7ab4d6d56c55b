"""Keys of access tokens for throw-away installations. `python -m tools.token_keys` prints a pair as settings."""

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat


def fresh_token_keys() -> dict[str, str]:
    """A pair of P-256 keys, each on one line, as tools/setup writes them to a new settings file."""
    private = ec.generate_private_key(ec.SECP256R1())
    private_pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public_pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {"JWT_PRIVATE_KEY": on_one_line(private_pem), "JWT_PUBLIC_KEY": on_one_line(public_pem)}


def on_one_line(pem: bytes) -> str:
    return pem.decode().replace("\n", "\\n")


def from_one_line(key: str) -> str:
    return key.replace("\\n", "\n")


if __name__ == "__main__":
    for name, key in fresh_token_keys().items():
        print(f"{name}={key}")
