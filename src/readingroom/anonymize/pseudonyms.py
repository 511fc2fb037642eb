"""Keyed pseudonyms: one value, one token within a copy window; no link between windows, no way back without the key.

Rule 1: a token is BLAKE2b under the window's key over the kind and the normalized value; only unique values are hashed.
Rule 2: tokens are typed: `contact_7f3a2c91d0e4` in id columns, `[PERSON_7f3a2c91]` in text.
"""

from __future__ import annotations

import hashlib

import pyarrow as pa

from readingroom.anonymize.digests import keyed
from readingroom.anonymize.normalize import normalize

ID_DIGITS = 12
TEXT_DIGITS = 8
_PERSON = b"pseudonym"


class Pseudonyms:
    """Makes the tokens of one copy window."""

    def __init__(self, key: bytes) -> None:
        self._base = hashlib.blake2b(key=key[:64], digest_size=16, person=_PERSON)
        self.keyed = keyed(key, _PERSON)  # the same, for many values at once

    def digest(self, kind: str, value: str) -> str:
        """32 hex digits for a value that is normalized already."""
        state = self._base.copy()
        state.update(kind.encode() + b"\0" + value.encode("utf-8", "surrogatepass"))
        return state.hexdigest()

    def one(self, kind: str, value: str) -> str:
        """The token of one value, as `token` gives it."""
        domain = _domain(kind)
        return f"{kind}_{self.digest(domain, normalize(domain, value))[:ID_DIGITS]}"

    def token(self, kind: str, values: pa.Array) -> pa.Array:
        """A token for each value (large_string, null stays null), such as `contact_7f3a2c91d0e4`."""
        if pa.types.is_dictionary(values.type):
            values = values.cast(values.type.value_type)
        encoded = values.cast(pa.large_string()).dictionary_encode()
        tokens = [self.one(kind, value) for value in encoded.dictionary.to_pylist()]
        return pa.array(tokens, pa.large_string()).take(encoded.indices)

    def placeholder(self, label: str, kind: str, value: str) -> str:
        """The placeholder of a normalized value in text, such as `[PERSON_7f3a2c91]`."""
        return f"[{label}_{self.digest(kind, value)[:TEXT_DIGITS]}]"


def _domain(kind: str) -> str:
    """Ids of contacts, leads, users and accounts share one domain, so that one id has one token."""
    return "record" if kind in {"contact", "lead", "user", "account", "mail", "record"} else kind
