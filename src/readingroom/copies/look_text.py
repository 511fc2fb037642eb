"""What a cell shows, in every way somebody could read it: the second look's own views, decoders and normal form.

Shares nothing with the engine (P14): what one misreads the other may not. A block is many cells, each ended by NUL, so
that every step is one pass over one buffer; a step that would move a cell's end is an error, never a guess (rule 2).
Memory is bounded by the size of a block, whatever the batch.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt

from readingroom.core.errors import Fault

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

END: Final = "\0"  # ends every cell of a block; no source lets a NUL through
BLOCK: Final = 1 << 20  # characters
_DEEPEST: Final = 3  # encodings inside encodings
_SHORTEST_TOKEN: Final = 10
_LONGEST_TOKEN: Final = 1 << 14
_SMALL, _CAPITAL, _DIGIT = 1, 2, 3
_KINDS: Final = np.zeros(256, np.uint8)
_KINDS[list(b"abcdefghijklmnopqrstuvwxyz+/_-")] = _SMALL
_KINDS[list(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")] = _CAPITAL
_KINDS[list(b"0123456789")] = _DIGIT
_REACH: Final = 512  # characters of a stretch to the left of what is encoded
# elements that stand inside a word or a line; every other tag separates
_INLINE: Final = "a|abbr|b|bdi|bdo|big|cite|code|del|dfn|em|font|i|ins|kbd|mark|o:p|q|s|samp|small|span|strike|strong"
_TAG_INSIDE: Final = re.compile(
    rf"<!--[^\0]{{0,4096}}?-->|</?(?:{_INLINE}|sub|sup|tt|u|wbr)(?:[\s/][^<>\0]{{0,4096}})?>", re.IGNORECASE
)
_TAG: Final = re.compile(r"<[/!?a-zA-Z][^<>\0]{0,8192}>")
_PERCENT: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_UNBROKEN: Final = re.compile(r"[^\s\0\"'<>]*")
_ESCAPED: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|([nrt\"'/\\]))")
_QUOTED: Final = re.compile(r"=(?:[0-9A-F]{2}|\r?\n)")
_WORDS_AFTER: Final = re.compile(r"[^\s\0]*(?:[ \t\r\n]{1,3}[^\s\0]{1,256}){0,2}")
_MISREAD: Final = re.compile("[\u00c2\u00c3\u00c4\u00c5][\u0080-\u00bf\u0152-\u0178\u2013-\u2122]")
_HEX_BYTE: Final = re.compile(r"=(?:\r?\n|([0-9A-F]{2}))")
_NOT_TEXT: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ufffd]")
_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]+")
# what no reader sees: marks, zero-width and soft characters, direction
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\U000e0000-\U000e0fff\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)
_SPACES: Final = re.compile("[\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\u0085]")
_DASHES: Final = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
_SIGNS: Final = re.compile(r"[^\x00-\x7f\w]")
# letters of other alphabets that look like Latin ones, and Latin letters that no decomposition takes apart
_LOOK_ALIKE: Final = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u051b\u051d"
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0406\u0408\u0405"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf\u03bd\u03b1\u03b9"
    "\u0131\u0142\u0141\u00f8\u00d8\u0111\u0110",
    "aeopcyxijshdqwABEKMHOPCTXIJSABEZHIKMNOPTYXovaiilLoOdD",
)


_QUOTES: Final = str.maketrans("\u2018\u2019\u02bc\u201c\u201d\u201e\u00ab\u00bb", "'''" + '"' * 5)


@dataclass(frozen=True)
class Block:
    """Cells of one column as a text, each ended by END; `cells` says which cell each piece is from."""

    text: str
    cells: Ints


def blocks(values: Sequence[str], cells: Ints) -> Iterator[Block]:
    """The values, with the numbers of their cells, as blocks of about BLOCK characters."""
    start = size = 0
    for at, value in enumerate(values):
        size += len(value) + 1
        if size >= BLOCK:
            yield _block(values[start : at + 1], cells[start : at + 1])
            start, size = at + 1, 0
    if start < len(values):
        yield _block(values[start:], cells[start:])


def views(block: Block) -> Iterator[Block]:
    """Every way to read a block: as it is, without markup, and what is encoded in it, to any depth that pays."""
    yield from _views(block, 0)


def piece_ends(data: Bytes) -> Ints:
    """Where each piece of normalized bytes ends (its NUL)."""
    return np.flatnonzero(data == 0)


def normal(block: Block) -> bytes:
    """The block in the second look's normal form, UTF-8: compatible, without marks and look-alikes, case kept."""
    text = block.text
    if not text.isascii():
        text = END.join(piece if piece.isascii() else _folded(piece) for piece in text.split(END))
    data = text.encode("utf-8", "replace")
    if data.count(b"\0") != len(block.cells):
        raise Fault("the second look lost the end of a cell")
    return data


def _folded(text: str) -> str:
    text = _DASHES.sub("-", _SPACES.sub(" ", text.replace("\u00df", "ss").replace("\u1e9e", "SS")))
    text = text.translate(_QUOTES)
    if not text.isascii():
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKD", text)).translate(_LOOK_ALIKE)
        text = _NOT_ASCII.sub(_lower, _SIGNS.sub(" ", text))
    return text


def _views(block: Block, depth: int) -> Iterator[Block]:
    text = block.text
    plain = _kept(block, html.unescape(text)) if "&" in text else block
    yield plain
    if "<" in plain.text:  # also markup that was itself escaped
        shown = _TAG.sub(" ", _TAG_INSIDE.sub("", plain.text))
        yield _kept(block, html.unescape(shown) if "&" in shown else shown)
    if depth >= _DEEPEST:
        return
    found = list(_decoded(plain))
    if found:
        texts, pieces = zip(*found, strict=True)
        cells = plain.cells[np.searchsorted(_ends(plain.text), np.array(pieces, np.int64))]
        for inner in blocks(texts, cells):
            yield from _views(inner, depth + 1)


def _decoded(block: Block) -> Iterator[tuple[str, int]]:
    """What is encoded in a block, each with its position."""
    text = block.text
    if "%" in text:
        yield from _each(_PERCENT, text, rest=_UNBROKEN, decode=lambda token: unquote(token.replace("+", " ")))
    if "\\" in text:
        yield from _unescaped(block)
    if "=" in text:
        yield from _each(_QUOTED, text, rest=_WORDS_AFTER, decode=_quoted_printable)
    if not text.isascii():
        yield from _each(_MISREAD, text, rest=_WORDS_AFTER, decode=_reread)
    for start, end in _encodable(text):
        for inner in _tokens(text[start:end]):
            yield inner, start


def _encodable(text: str) -> Iterator[tuple[int, int]]:
    """Where something may be written in hexadecimal or base64: long runs that are neither words nor numbers."""
    signs = np.frombuffer(text.encode("latin-1", "replace"), np.uint8)  # one byte a character
    kinds = _KINDS[signs]
    edges = np.diff(np.concatenate([[0], (kinds != 0).astype(np.int8), [0]]))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    long = (ends - starts >= _SHORTEST_TOKEN) & (ends - starts <= _LONGEST_TOKEN)
    starts, ends = starts[long], ends[long]
    sums = np.concatenate([[0], np.cumsum((kinds == _DIGIT) + ((kinds == _CAPITAL).astype(np.int64) << 32))])
    inner = sums[ends] - sums[starts]
    digits, capitals = inner & 0xFFFFFFFF, inner >> 32
    letters = ends - starts - digits
    mixed = (digits > 0) & (letters > 0) | (capitals > 1) & (capitals < letters)
    yield from zip(starts[mixed].tolist(), ends[mixed].tolist(), strict=True)


def _each(
    sign: re.Pattern[str], text: str, *, rest: re.Pattern[str], decode: Callable[[str], str]
) -> Iterator[tuple[str, int]]:
    """What `decode` makes of every stretch around a sign: unbroken to the left, `rest` to the right, bounded."""
    done = 0
    for match in sign.finditer(text):
        if match.start() < done:
            continue
        before = _UNBROKEN.match(text[max(done, match.start() - _REACH) : match.start()][::-1])
        start = match.start() - len(before[0] if before else "")
        after = rest.match(text, match.end(), match.end() + 8 * _REACH)
        done = after.end() if after else match.end()
        inner = decode(text[start:done])
        if inner != text[start:done]:
            yield _clean(inner), start


def _unescaped(block: Block) -> Iterator[tuple[str, int]]:
    start = 0
    for cell in block.text.split(END):
        if "\\" in cell:
            inner = _ESCAPED.sub(_escape, cell)
            if inner != cell:
                yield _clean(inner), start
        start += len(cell) + 1


def _escape(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    return chr(int(code, 16)) if code else {"n": "\n", "r": "\r", "t": "\t"}.get(match[3], match[3])


def _quoted_printable(token: str) -> str:
    raw = _HEX_BYTE.sub(lambda match: chr(int(match[1], 16)) if match[1] else "", token)
    try:
        return raw.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return raw


def _reread(text: str) -> str:
    """UTF-8 that somebody read as Windows-1252, read again."""
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return text


def _tokens(token: str) -> Iterator[str]:
    """What a token says in hexadecimal or base64, whole or between slashes."""
    parts = {token, *token.split("/")} if "/" in token else (token,)
    for part in parts:
        for data in (_hex(part), _base64(part)):
            if len(data) >= 5:
                inner = data.decode("utf-8", "replace")
                if not _NOT_TEXT.search(inner):
                    yield inner


def _hex(token: str) -> bytes:
    try:
        return bytes.fromhex(token)
    except ValueError:
        return b""


def _base64(token: str) -> bytes:
    bare = token.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4))
    except (binascii.Error, ValueError):
        return b""


def _clean(text: str) -> str:
    return text.replace(END, " ")


def _lower(match: re.Match[str]) -> str:
    return match[0].lower()


def _kept(block: Block, text: str) -> Block:
    if text.count(END) != len(block.cells):
        raise Fault("the second look lost the end of a cell")
    return Block(text, block.cells)


def _block(values: Sequence[str], cells: Ints) -> Block:
    text = END.join(values) + END
    if text.count(END) != len(values):  # a NUL inside a cell would shift every later one
        text = END.join(_clean(value) for value in values) + END
    return Block(text, cells)


def _ends(text: str) -> Ints:
    return np.fromiter((match.start() for match in re.finditer(END, text)), np.int64)
