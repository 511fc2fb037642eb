"""Private keys in PEM form (RFC 7468): from `-----BEGIN … PRIVATE KEY-----` to the line that ends it.

Rule 1: a key that was cut is one too: up to the end of its cell, or LONGEST letters.
"""

from __future__ import annotations

import numpy as np

from readingroom.anonymize import spans
from readingroom.anonymize.spans import FINDING
from readingroom.anonymize.tokens import Records
from readingroom.anonymize.views import Letters

LONGEST = 16_000  # letters: RSA keys of 16,384 bits are shorter
_BEGIN, _NAMED, _END, _DASHES, _WALL = b"-----begin ", b"private key-----", b"-----end ", b"-----", b"\0"
_HEAD = 48  # letters between the dashes of the first line


def find_keys(letters: Letters) -> Records:
    """Private keys in the view, as findings."""
    text = letters.folded.tobytes()
    found = []
    at = text.find(_NAMED)
    at = text.find(_BEGIN, max(0, at - _HEAD)) if at >= 0 else -1
    while at >= 0:
        named = text.find(_NAMED, at, at + _HEAD)
        after = at + 1
        if named >= 0:
            after = _end(text, named + len(_NAMED))
            found.append((at, after, -1, spans.SECRET))
        at = text.find(_BEGIN, after)
    return np.array(found, FINDING) if found else np.empty(0, FINDING)


def _end(text: bytes, at: int) -> int:
    """Where the key whose first line ends at `at` ends."""
    limit = min(len(text), at + LONGEST)
    wall = text.find(_WALL, at, limit)
    limit = limit if wall < 0 else wall
    last = text.find(_END, at, limit)
    close = text.find(_DASHES, last + len(_END), limit) if last >= 0 else -1
    return close + len(_DASHES) if close >= 0 else limit
