"""IBANs: two letters, two check digits and up to 30 letters and digits, in groups of four or in one (ISO 13616).

Rule 1: an IBAN is what mod 97 proves; of several ends the last that is proved counts.
Rule 2: `at 12 people` and the like begin in small letters, too: with blanks in it only capitals begin one.
"""

from __future__ import annotations

from readingroom.anonymize import spans
from readingroom.anonymize.kernels import kernel, signed, small_kernel
from readingroom.anonymize.tokens import ALL_UPPER, DIGITS, JOINED, Records
from readingroom.anonymize.views import Letters

SHORTEST, LONGEST, GROUP = 15, 34, 4


@small_kernel
def _worth(byte: int) -> int:
    """A digit is itself, a letter 10 to 35, all else -1."""
    if 48 <= byte <= 57:
        return signed(byte) - 48
    return signed(byte) - 87 if 97 <= byte <= 122 else -1


@small_kernel
def _joined(rest: int, worth: int) -> int:
    """`rest` with the digits of `worth` behind it, modulo 97."""
    return (rest * (100 if worth > 9 else 10) + worth) % 97


@kernel
def read_iban(v: Letters, start: int) -> int:
    """The end of the IBAN that begins at `start`; 0 if none does."""
    head = 0
    if start + GROUP > len(v.folded):
        return 0
    for k in range(start, start + GROUP):
        worth = _worth(v.folded[k])
        if worth < 0 or (worth > 9) != (k < start + 2):
            return 0
        head = head * (100 if worth > 9 else 10) + worth
    count, rest, end = GROUP, 0, 0
    k = start + GROUP
    while k < len(v.folded) and count < LONGEST:
        if count % GROUP == 0 and v.folded[k] == 32:
            k += 1
        worth = _worth(v.folded[k]) if k < len(v.folded) else -1
        if worth < 0:
            break
        rest = _joined(rest, worth)
        count += 1
        k += 1
        if count >= SHORTEST and (rest * 1000000 + head) % 97 == 1:
            end = k
    return end


@small_kernel
def _may_begin(parts: Records, i: int) -> bool:
    """Two letters with digits joined to them."""
    if parts[i].end - parts[i].start != 2 or parts[i].flags & (DIGITS | JOINED):
        return False
    after = parts[i + 1]
    return bool(after.flags & (DIGITS | JOINED) == DIGITS | JOINED and after.end - after.start >= 2)


@kernel
def find_ibans(v: Letters, parts: Records, out: Records) -> int:
    """Write the IBANs of the view as findings; how many they are."""
    count = 0
    for i in range(len(parts) - 1):
        if not _may_begin(parts, i):
            continue
        start = parts[i].start
        end = read_iban(v, start)
        blank = False
        for k in range(start, end):
            blank = blank or v.folded[k] == 32
        if end and (not blank or parts[i].flags & ALL_UPPER):
            out[count].start = start
            out[count].end = end
            out[count].kind = spans.IBAN
            out[count].entry = -1
            count += 1
    return count
