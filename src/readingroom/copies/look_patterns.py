"""Patterns with proof, for the second look: candidates by arrays over a block's bytes, proof by parser or check digit.

Rule 1: no pattern is believed for its shape alone: a card has a check digit and a brand's length, an IBAN its country's
length and remainder, a telephone number is one that its country can assign, an SSN has its context.
Rule 2: work is linear in the block: every candidate looks at a bounded window.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import phonenumbers

from readingroom.copies.look_hashes import Bytes, Ints, Mask

_LOCAL: Final = re.compile(rb"[A-Za-z0-9\x80-\xff](?:[A-Za-z0-9\x80-\xff._%+'-]{0,63})$")
_DOMAIN: Final = re.compile(
    rb"(?:[A-Za-z0-9\x80-\xff](?:[A-Za-z0-9\x80-\xff_-]{0,62})\.){1,8}(?:[A-Za-z]{2,24}|xn--[A-Za-z0-9-]{2,59})"
    rb"(?![A-Za-z0-9])"
)
_FILE_ENDINGS: Final = frozenset({b"png", b"jpg", b"jpeg", b"gif", b"svg", b"css", b"js", b"webp", b"bmp", b"ico"})
_AT_WORD: Final = re.compile(
    rb"\s{0,3}(?:@|[(\[{](?:at|arobase|arroba)[)\]}]|(?<=\s)(?:at|arobase|arroba)(?=\s))\s{0,3}"
)
_DOT_WORD: Final = re.compile(
    rb"\s{0,3}(?:\.|[(\[{](?:dot|point|punkt|punto)[)\]}]|(?<=\s)(?:dot|point|punkt|punto)(?=\s))\s{0,3}"
)
_ADDRESS: Final = re.compile(rb"([\w.+%\x80-\xff-]{1,64})@([\w\x80-\xff-]{1,63}(?:\.[\w\x80-\xff-]{1,63}){1,6})")
_SPOKEN: Final = (
    *(b"dot", b"punkt", b"punto", b"arobase", b"arroba"),
    *(b"at)", b"at]", b"at}", b" @", b"@ ", b"\n@", b"@\n"),
)
_GUID: Final = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_HEX32: Final = re.compile(rb"(?<![0-9A-Za-z])(?:[0-9a-fA-F]{64}|[0-9a-fA-F]{40}|[0-9a-fA-F]{32})(?![0-9A-Za-z])")
_DIGITS: Final = re.compile(r"\d+")
_SSN: Final = re.compile(rb"(?<!\d)(?!000|666|9)\d{3}([ -]?)(?!00)\d{2}\1(?!0000)\d{4}(?!\d)")
_SSN_CONTEXT: Final = (b"ssn", b"s.s.n", b"social sec", b"soc sec", b"soc. sec", b"social-sec")
_SPAN: Final = 128  # bytes around a sign of an address in words
# the North American plan: area and exchange begin with 2-9; the exchange is no service code
_US_SHAPE: Final = re.compile(
    r"(?:\+?1[ .\-]{0,3})?(?:\([2-9]\d{2}\)[ .\-/]{0,3}|[2-9]\d{2}[ .\-/]{1,3})(?!.11)[2-9]\d{2}[ .\-]{1,3}\d{4}"
)
_TRUNK_SHAPE: Final = re.compile(r"\(?0\d{1,4}\)?(?:[ .\-/]{1,3}\d{2,8}){1,5}")
_IBAN: Final = re.compile(
    rb"([A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,4})?)(?![A-Z0-9])", re.IGNORECASE
)
# lengths of the registered countries (ISO 13616)
_IBAN_LENGTH: Final = {
    code: int(length)
    for length, codes in {
        "15": "NO", "16": "BE", "18": "DK FI FO GL NL SD", "19": "MK SI", "20": "AT BA EE KZ LT LU MN XK",
        "21": "CH CR HR LI LV", "22": "BG BH DE GB GE IE ME RS VA", "23": "AE GI IL IQ OM SO TL",
        "24": "AD CZ ES MD PK RO SA SE SK TN VG", "25": "LY PT ST", "26": "IS TR", "27": "BI DJ FR GR IT MC MR SM",
        "28": "AL AZ BY CY DO GT HU LB NI PL SV", "29": "BR EG PS QA UA", "30": "JO KW MU YE", "31": "MT SC",
        "32": "LC", "33": "RU",
    }.items()
    for code in codes.split()
}  # fmt: skip


@dataclass(frozen=True)
class Digits:
    """A cluster of digits: its text, the runs of digits in it, and its position."""

    text: str
    runs: tuple[str, ...]
    start: int
    whole: bool  # no letter, digit or sign of an identifier touches it


def emails(data: bytes, raw: Bytes) -> Iterator[tuple[str, int]]:
    """Every e-mail address in the block, in small letters, with its position."""
    for at in np.flatnonzero(raw == 64).tolist():
        local = _LOCAL.search(data, max(0, at - 64), at)
        domain = _DOMAIN.match(data, at + 1, at + 256) if local else None
        if local and domain and domain[0].rpartition(b".")[2].lower() not in _FILE_ENDINGS:
            yield (local[0] + b"@" + domain[0]).decode("utf-8", "replace").lower(), local.start()


def spoken_emails(low: bytes) -> Iterator[tuple[str, int]]:
    """Addresses with blanks, or `at` and `dot` in words; their shape proves nothing, only a known one counts."""
    done = 0
    for at in sorted({at for sign in _SPOKEN for at in _places(low, sign)}):
        if at < done:
            continue
        start, end = max(low.rfind(b"\0", 0, at) + 1, at - _SPAN), at + _SPAN
        done = at + _SPAN // 2
        cut = low.find(b"\0", at, end)
        window = _DOT_WORD.sub(b".", _AT_WORD.sub(b"@", low[start : end if cut < 0 else cut]))
        for found in _ADDRESS.finditer(window):
            for address in _readings(found[1], found[2]):
                yield address.decode("utf-8", "replace"), at


def _readings(local: bytes, domain: bytes) -> Iterator[bytes]:
    """The address, and what is left without words of the sentences around it."""
    locals_, domains = local.strip(b".").split(b"."), domain.split(b".")
    for first in range(len(locals_)):
        for last in range(2, len(domains) + 1):
            yield b".".join(locals_[first:]) + b"@" + b".".join(domains[:last])


def _places(low: bytes, sign: bytes) -> Iterator[int]:
    at = low.find(sign)
    while at >= 0:
        yield at
        at = low.find(sign, at + 1)


def guids(data: bytes, raw: Bytes) -> Iterator[tuple[str, int]]:
    """Every GUID, with or without its dashes, as 32 small hexadecimal digits; longer digests as they are."""
    dashes = np.flatnonzero(raw == 45)
    dashes = dashes[(dashes >= 8) & (dashes + 28 <= len(raw))]
    for at in dashes[(raw[dashes + 5] == 45) & (raw[dashes + 10] == 45) & (raw[dashes + 15] == 45)].tolist():
        found = data[at - 8 : at + 28].lower()
        if _GUID.fullmatch(found):
            yield found.replace(b"-", b"").decode(), at - 8
    yield from hex_runs(data, raw)


def hex_runs(data: bytes, raw: Bytes) -> Iterator[tuple[str, int]]:
    """Runs of exactly 32, 40 or 64 hexadecimal digits."""
    digit = (raw >= 48) & (raw <= 57)
    small = raw | 32
    edges = np.diff(np.concatenate([[0], (digit | ((small >= 97) & (small <= 102))).astype(np.int8), [0]]))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    length = ends - starts
    for at in np.flatnonzero((length == 32) | (length == 40) | (length == 64)).tolist():
        start, end = int(starts[at]), int(ends[at])
        if _HEX32.fullmatch(data, start, end):
            yield data[start:end].lower().decode(), start


def clusters(data: bytes, raw: Bytes) -> Iterator[Digits]:
    """Seven digits or more with little between them."""
    digit = (raw >= 48) & (raw <= 57)
    at = np.flatnonzero(digit)
    if len(at) < 7:
        return
    cuts = np.flatnonzero(_parted(raw, at))
    starts, ends = np.concatenate([[0], cuts + 1]), np.concatenate([cuts, [len(at) - 1]])
    for first, last in zip(starts.tolist(), ends.tolist(), strict=True):
        if last - first >= 6:
            start, end = int(at[first]), int(at[last]) + 1
            yield _cluster(data, start, end)


def _cluster(data: bytes, start: int, end: int) -> Digits:
    before = data[start - 1 : start]
    whole = not (before.isalnum() or before in {b"_", b"#", b"=", b"$"} or before > b"\x7f")
    whole = whole and not (data[end : end + 1].isalnum() or data[end : end + 1] in {b"_", b"%"})
    opened = start - 1 if before in {b"+", b"("} else start
    if data[opened - 1 : opened] == b"+":
        opened -= 1
    text = data[opened:end].decode("utf-8", "replace")
    return Digits(text, tuple(_DIGITS.findall(text)), start, whole)


def _parted(raw: Bytes, at: Ints) -> Mask:
    """Between which neighbouring digits a cluster ends."""
    gap = at[1:] - at[:-1] - 1
    parted = gap > 4
    for step in range(1, 5):
        inside = (gap >= step) & ~parted
        signs = raw[at[:-1] + np.minimum(step, gap + 1)]
        parted |= inside & ~_BETWEEN[signs]
    return parted


_BETWEEN: Final = np.zeros(256, np.bool_)
_BETWEEN[list(b" .-()/\t")] = True


def runs_of(cluster: Digits, *, fewest: int = 7, most: int = 19) -> Iterator[str]:
    """The digits of every sequence of whole runs in a cluster."""
    runs = cluster.runs[:64]
    for first in range(len(runs)):
        joined = ""
        for run in runs[first:]:
            joined += run
            if len(joined) > most:
                break
            if len(joined) >= fewest:
                yield joined
            if joined.startswith("00") and len(joined) >= fewest + 2:
                yield joined.lstrip("0")  # 00 for the +


def is_card(cluster: Digits) -> bool:
    """Whether the cluster is a payment card: a brand's first digits and length, and the check digit."""
    digits = "".join(cluster.runs)
    lengths = {"3": (14, 15), "4": (13, 16, 19), "5": (16,), "6": (16,), "2": (16,)}.get(digits[:1], ())
    if not cluster.whole or len(digits) not in lengths or len(set(digits)) < 2:
        return False
    if digits[0] == "3" and digits[:2] not in {"34", "36", "37", "38", "39", "30"}:
        return False
    if digits[0] in "25" and not ("51" <= digits[:2] <= "55" or "2221" <= digits[:4] <= "2720"):
        return False
    doubled = (int(d) * (1 + at % 2) for at, d in enumerate(reversed(digits)))
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def is_phone(cluster: Digits, regions: tuple[str, ...]) -> bool:
    """Whether the cluster is written as a telephone number and one of these countries, or the one it names, has it."""
    text = cluster.text.strip()
    if "US" in regions and cluster.whole and _US_SHAPE.fullmatch(text):
        return True
    if not cluster.whole or not 7 <= sum(map(len, cluster.runs)) <= 15:
        return False
    if text.startswith(("+", "00")):
        return _valid(text, "ZZ")
    if _TRUNK_SHAPE.fullmatch(text):
        return any(_valid(text, region) for region in regions if region != "US")
    return False


def ibans(data: bytes, raw: Bytes) -> Iterator[int]:
    """Positions of account numbers that have their country's length and the right remainder."""
    if len(raw) < 15:
        return
    letter, digit = ((raw | 32) >= 97) & ((raw | 32) <= 122), (raw >= 48) & (raw <= 57)
    begin = np.flatnonzero(letter[:-3] & letter[1:-2] & digit[2:-1] & digit[3:])
    for at in begin.tolist():
        found = _IBAN.match(data, at, at + 64)
        length = _IBAN_LENGTH.get(data[at : at + 2].decode().upper())
        if found and length and not data[at - 1 : at].isalnum() and _remainder(found[1], length) == 1:
            yield at


def ssns(low: bytes) -> Iterator[int]:
    """Positions of US social security numbers that a word before them names."""
    for word in _SSN_CONTEXT:
        for at in _places(low, word):
            found = _SSN.search(low, at, at + 64)
            if found and b"\0" not in found[0]:
                yield found.start()


def phone_forms(value: str) -> set[str]:
    """The digits of a telephone number as it may stand somewhere else: with and without country code and trunk zero."""
    head = re.split(r"(?:ext|x|app|poste|durchwahl)\.?\s*\d", value, maxsplit=1, flags=re.IGNORECASE)[0]
    digits = "".join(_DIGITS.findall(head.replace("(0)", "")))
    forms = {digits, digits.lstrip("0")}
    forms |= {digits[1:]} if len(digits) == 11 and digits.startswith("1") else set()
    if head.strip().startswith(("+", "00")):
        number = _parsed(head, "ZZ")
        national = str(number.national_number) if number else digits[2:]
        forms |= {national, "0" + national}
    return {form for form in forms if len(form) >= 7}


def _remainder(found: bytes, length: int) -> int:
    code = found.replace(b" ", b"").replace(b"-", b"").decode()[:length]
    if len(code) < length:
        return 0
    return int("".join(str(int(sign, 36)) for sign in code[4:] + code[:4])) % 97


def _valid(text: str, region: str) -> bool:
    number = _parsed(text, region)
    return number is not None and phonenumbers.is_valid_number(number)


def _parsed(text: str, region: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(text.strip().replace("00", "+", 1) if text.strip().startswith("00") else text, region)
    except phonenumbers.NumberParseException:
        return None
