"""Pure: the pair of keys by which push services know this installation (VAPID, RFC 8292), derived from one secret."""

from base64 import urlsafe_b64encode

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

# Of the curve P-256.
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
INFO = b"chairside vapid"


def private_key_of(secret: str) -> ec.EllipticCurvePrivateKey:
    # More bits than the order has, so that no key is likelier than another.
    wide = HKDF(algorithm=SHA256(), length=48, salt=None, info=INFO).derive(secret.encode())
    return ec.derive_private_key(int.from_bytes(wide) % (ORDER - 1) + 1, ec.SECP256R1())


def public_key_of(secret: str) -> str:
    """As browsers take it for `applicationServerKey`: base64url, without padding."""
    point = private_key_of(secret).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return urlsafe_b64encode(point).rstrip(b"=").decode()
