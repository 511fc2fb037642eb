"""Keys wrapped under keys: AES-256-GCM for a key under a key, X25519 for a key to a role.

Rule 1: a wrapped key is bound to where it belongs: the context is authenticated, so a key file that was swapped,
copied to another place or renamed does not open.
Rule 2: what does not open says so in one way (KeyFault), whatever was wrong with it.
"""

from __future__ import annotations

import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from readingroom.core.canonical import canonical
from readingroom.core.errors import KeyFault

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_INFO: Final = b"readingroom/wrap/x25519-hkdf-sha256-aes256gcm/v1"

Box = dict[str, str]


def fresh_key() -> bytes:
    """32 random bytes of the operating system."""
    return secrets.token_bytes(KEY_BYTES)


def wrap(kek: bytes, secret: bytes, context: Mapping[str, str]) -> Box:
    """`secret` under the key `kek`, bound to `context`."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return {"nonce": _text(nonce), "box": _text(AESGCM(kek).encrypt(nonce, secret, canonical(dict(context))))}


def unwrap(kek: bytes, box: Any, context: Mapping[str, str]) -> bytes:
    """The secret in `box`; KeyFault if the key, the context or the box is another one."""
    try:
        return AESGCM(kek).decrypt(_bytes(box["nonce"]), _bytes(box["box"]), canonical(dict(context)))
    except (InvalidTag, ValueError, KeyError, TypeError, OverflowError):
        raise KeyFault("a wrapped key does not open: it is corrupt, or belongs elsewhere") from None


def wrap_to(public: bytes, secret: bytes, context: Mapping[str, str]) -> Box:
    """`secret` to the holder of the X25519 key `public`, bound to `context`; the writer cannot open it."""
    ephemeral = X25519PrivateKey.generate()
    point = ephemeral.public_key().public_bytes_raw()
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(public))
    return {"ephemeral": _text(point)} | wrap(_agree(shared, point, public), secret, context)


def unwrap_from(private: X25519PrivateKey, box: Any, context: Mapping[str, str]) -> bytes:
    """The secret that `wrap_to` wrapped to `private`; KeyFault otherwise."""
    try:
        point = _bytes(box["ephemeral"])
        shared = private.exchange(X25519PublicKey.from_public_bytes(point))
    except (ValueError, KeyError, TypeError):
        raise KeyFault("a wrapped key does not open: it is corrupt, or belongs elsewhere") from None
    return unwrap(_agree(shared, point, private.public_key().public_bytes_raw()), box, context)


def _agree(shared: bytes, ephemeral: bytes, recipient: bytes) -> bytes:
    # both public keys go into the derivation, so that a box names its recipient (as HPKE, RFC 9180, does)
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=_INFO + ephemeral + recipient).derive(shared)


def _text(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def _bytes(text: str) -> bytes:
    return b64decode(text, validate=True)
