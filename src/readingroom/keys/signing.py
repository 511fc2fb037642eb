"""Ed25519 signatures: what a role signs, anybody with its public key can check."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from readingroom.core.errors import KeyFault


def verify(public: bytes, message: bytes, signature: bytes) -> None:
    """Return if `signature` over `message` is by the holder of the raw Ed25519 key `public`; KeyFault otherwise."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError, TypeError):
        raise KeyFault("a signature does not verify") from None
