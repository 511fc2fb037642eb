"""Checkpoints: the head of a log, signed (C2SP tlog-checkpoint in a C2SP signed-note, Ed25519). Pure.

    origin
    size
    base64(root)

    — origin base64(key id ‖ signature)

Rule 1: only a signature by the expected key over the expected origin makes a checkpoint; other signature lines (of
        witnesses) are ignored, as the note format asks.
Rule 2: base64 and decimals have one spelling, so that no byte of a checkpoint can change unseen.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from readingroom.audit.merkle import HASH_BYTES
from readingroom.core.errors import KeyFault, LogFault
from readingroom.keys.signing import verify

_ED25519 = b"\x01"
_DASH = "\u2014"
_KEY_ID_BYTES = 4


@dataclass(frozen=True)
class Checkpoint:
    """The head of a log: so many entries, this root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def key_id(origin: str, public: bytes) -> bytes:
    """The four bytes that name a log's key in a signature line (C2SP signed-note)."""
    return hashlib.sha256(origin.encode() + b"\n" + _ED25519 + public).digest()[:_KEY_ID_BYTES]


def verifier_key(origin: str, public: bytes) -> str:
    """The log's key as the note tools take it: `origin+key id+base64(algorithm ‖ key)`."""
    return f"{origin}+{key_id(origin, public).hex()}+{base64.b64encode(_ED25519 + public).decode()}"


def parse_verifier_key(text: str) -> tuple[str, bytes]:
    """The origin and the raw public key in a verifier key; LogFault if it contradicts itself."""
    parts = text.strip().split("+", 2)
    if len(parts) != 3:
        raise LogFault("a verifier key is written origin+id+key")
    data = decode(parts[2])
    if data[:1] != _ED25519 or len(data) != 33 or key_id(parts[0], data[1:]).hex() != parts[1]:
        raise LogFault("the verifier key is not an Ed25519 key of its origin")
    return parts[0], data[1:]


def sign_checkpoint(checkpoint: Checkpoint, *, public: bytes, sign: Callable[[bytes], bytes]) -> str:
    """The signed note; KeyFault if `sign` is not the signer of `public`, before anybody sees it."""
    body = checkpoint.text.encode()
    signature = sign(body)
    verify(public, body, signature)
    line = base64.b64encode(key_id(checkpoint.origin, public) + signature).decode()
    return f"{checkpoint.text}\n{_DASH} {checkpoint.origin} {line}\n"


def open_checkpoint(note: str, *, origin: str, public: bytes) -> Checkpoint:
    """The checkpoint in a signed note; LogFault unless it is of `origin` and signed by `public`."""
    body, separator, signatures = note.rpartition("\n\n")
    text = body + "\n"
    if not separator or not signatures.endswith("\n"):
        raise LogFault("the checkpoint is not a signed note")
    checkpoint = _parse(text)
    if checkpoint.origin != origin:
        raise LogFault("the checkpoint is of another log")
    wanted = f"{_DASH} {origin} "
    valid = [
        _check(line.removeprefix(wanted), text, origin=origin, public=public)
        for line in signatures[:-1].split("\n")
        if line.startswith(wanted)
    ]
    if not any(valid):
        raise LogFault("the checkpoint is not signed by the log's key")
    return checkpoint


def decode(text: str) -> bytes:
    """The bytes in base64 of the one canonical spelling; LogFault otherwise."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise LogFault("base64 is not readable") from None
    if base64.b64encode(data).decode() != text:
        raise LogFault("base64 is not in its canonical spelling")
    return data


def decimal(text: str) -> int:
    """The number in ASCII decimals without leading zeroes; LogFault otherwise."""
    if not text.isascii() or not text.isdecimal() or str(int(text)) != text:
        raise LogFault("a number is not in its canonical spelling")
    return int(text)


def _parse(text: str) -> Checkpoint:
    lines = text.split("\n")[:-1]
    if len(lines) != 3 or not lines[0]:  # we sign no extension lines
        raise LogFault("the checkpoint has not its three lines")
    root = decode(lines[2])
    if len(root) != HASH_BYTES:
        raise LogFault("the checkpoint's root is not a SHA-256 hash")
    return Checkpoint(lines[0], decimal(lines[1]), root)


def _check(line: str, text: str, *, origin: str, public: bytes) -> bool:
    data = decode(line)
    if data[:_KEY_ID_BYTES] != key_id(origin, public):
        return False  # another key of the same name: ignored, as the note format asks
    try:
        verify(public, text.encode(), data[_KEY_ID_BYTES:])
    except KeyFault:
        raise LogFault("the checkpoint's signature does not verify") from None
    return True
