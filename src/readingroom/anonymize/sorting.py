"""What the finders found, as findings of one kind each."""

from __future__ import annotations

import numpy as np

from readingroom.anonymize import spans, worded
from readingroom.anonymize import spellings as s
from readingroom.anonymize.kernels import I32
from readingroom.anonymize.names import CODE, NUMBER, PERSON, RARE
from readingroom.anonymize.spans import findings
from readingroom.anonymize.tokens import Records

_WORD_KINDS = {RARE: spans.RARE, NUMBER: spans.NUMBER, CODE: spans.CODE, PERSON: spans.NAME}
_WORDED_KINDS = {worded.PHONE: spans.PHONE, worded.EMAIL: spans.EMAIL, worded.BIRTHDATE: spans.DATE}
# the weakest first: a spelling of several kinds is shown as the last of them
_MATCH_KINDS = (
    (s.ORG, spans.ORG),
    (s.ADDRESS, spans.ADDRESS),
    (s.ID, spans.ID),
    (s.PHONE, spans.PHONE),
    (s.HANDLE | s.INITIAL | s.FULL, spans.PERSON),
    (s.RECORD, spans.RECORD),
    (s.DIGEST, spans.EMAIL),
)


def of_words(masked: Records) -> Records:
    """Words that may not be shown."""
    return findings(masked, _translated(masked["what"], _WORD_KINDS), masked["entry"])


def of_worded(masked: Records) -> Records:
    """Identifiers written in words."""
    return findings(masked, _translated(masked["what"], _WORDED_KINDS), masked["entry"])


def of_matches(matches: Records) -> Records:
    """Known identifiers; lone names are left to the words."""
    matches = matches[matches["kinds"] & (~s.LONE & 0xFFFF) != 0]
    kinds = np.zeros(len(matches), np.int32)
    for bits, kind in _MATCH_KINDS:
        kinds[matches["kinds"] & bits != 0] = kind
    return findings(matches, kinds, matches["entry"])


def _translated(what: I32, kinds: dict[int, int]) -> I32:
    table = np.zeros(max(kinds) + 1, np.int32)
    for code, kind in kinds.items():
        table[code] = kind
    chosen: I32 = table[what]
    return chosen
