# ruff: noqa: PLR0917, PLR1714 - kernels: numba takes arrays by position and compiles no sets
"""HTML read as a browser shows it: text in one run, attribute values apart, comments and scripts cut out.

Rule 1: only what begins like a tag of HTML is a tag; `<ann@mail.example>` and `<Horatio>` are text.
Rule 2: structure stays: tags and attribute names that we know are never masked; every value is read like text.
Rule 3: comments, scripts, processing instructions and conditional blocks do not reach the output.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from readingroom.anonymize.decode import LESS, Codes, codes
from readingroom.anonymize.kernels import (
    BASE,
    I32,
    I64,
    U8,
    U64,
    empty_table,
    fill,
    find,
    hash_words,
    kernel,
    mix,
    signed,
)
from readingroom.anonymize.views import (
    BLANK,
    KIND,
    MARKUP,
    MODE_HTML,
    PENDING,
    SOFT,
    URL,
    Letters,
    View,
    joined,
    new_view,
    push,
    push_code,
    read_code,
    read_span,
    read_word,
    reads_as_itself,
    trimmed,
    wall,
)

INLINE, BREAK, RAW_STYLE, RAW_CUT = 1, 2, 3, 4
_INLINE = (
    "a abbr acronym b basefont bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q rb rp rt rtc"
    " ruby s samp small span strike strong sub sup time tt u var wbr o:p st1:place st1:city st1:personname g path"
)
_BREAK = (
    "address applet area article aside audio base blink blockquote body br button canvas caption center col colgroup"
    " datalist dd details dialog dir div dl dt embed fieldset figcaption figure footer form frame frameset h1 h2 h3"
    " h4 h5 h6 head header hgroup hr html iframe img input isindex legend li link main map marquee menu menuitem meta"
    " meter nav noframes noscript object ol optgroup option output p param picture pre progress section select source"
    " summary svg table tbody td template textarea tfoot th thead title tr track ul video v:roundrect v:fill v:textbox"
    " v:rect v:shape v:imagedata w:anchorlock w:worddocument o:officedocumentsettings o:allowpng o:pixelsperinch xml"
)
_URL_ATTRIBUTES = "href src action background cite data formaction longdesc poster srcset usemap profile classid"
_TEXT_ATTRIBUTES = "alt title value placeholder content label summary abbr aria-label"


class Elements(NamedTuple):
    """Known element and attribute names, hashed."""

    keys: U64
    values: I32
    attribute_keys: U64
    attribute_values: I32


@cache
def elements() -> Elements:
    """The tables, made once per process."""
    names = dict.fromkeys(_INLINE.split(), INLINE) | dict.fromkeys(_BREAK.split(), BREAK)
    names |= {"style": RAW_STYLE, "script": RAW_CUT}
    table = empty_table(len(names))
    fill(table, hash_words(list(names)), np.array(list(names.values()), np.int32))
    kinds = dict.fromkeys(_URL_ATTRIBUTES.split(), URL) | dict.fromkeys(_TEXT_ATTRIBUTES.split(), SOFT)
    attributes = empty_table(len(kinds))
    fill(attributes, hash_words(list(kinds)), np.array(list(kinds.values()), np.int32))
    return Elements(table.keys, table.values, attributes.keys, attributes.values)


class Page(NamedTuple):
    """Where a reading writes: the text, the attribute values, and the cuts (start, end) with their count."""

    text: Letters
    text_state: I64
    values: Letters
    values_state: I64
    cuts: I64
    cut_count: I64


@kernel
def _lower_hash(src: U8, i: int, end: int, stop_at: U8) -> tuple[np.uint64, int]:
    """The hash of the lower-cased name at `i`, and where it ends."""
    h = np.uint64(0)
    while i < end and not stop_at[src[i]]:
        b = src[i]
        h = h * BASE + np.uint64(b + 32 if 65 <= b <= 90 else b) + np.uint64(1)
        i += 1
    return mix(h), i


NAME_STOP = np.ones(256, np.uint8)
NAME_STOP[[*range(48, 58), *range(65, 91), *range(97, 123), ord(":"), ord("-")]] = 0
ATTRIBUTE_STOP = np.zeros(256, np.uint8)
ATTRIBUTE_STOP[[*range(33), ord("="), ord("/"), ord(">"), ord('"'), ord("'")]] = 1


@kernel
def _cut(page: Page, start: int, end: int) -> None:
    n = page.cut_count[0]
    page.cuts[n, 0] = start
    page.cuts[n, 1] = end
    page.cut_count[0] = n + 1
    page.text_state[PENDING] = SOFT


@kernel
def _find(src: U8, i: int, end: int, needle: U8) -> int:
    """Where `needle` (lower case) next stands at or after `i`, whatever its case; `end` if nowhere."""
    size = len(needle)
    while i + size <= end:
        k = 0
        while k < size and (src[i + k] == needle[k] or (65 <= src[i + k] <= 90 and src[i + k] + 32 == needle[k])):
            k += 1
        if k == size:
            return i
        i += 1
    return end


COMMENT_END = np.frombuffer(b"-->", np.uint8)
SCRIPT_END = np.frombuffer(b"</script", np.uint8)
STYLE_END = np.frombuffer(b"</style", np.uint8)
GREATER = np.frombuffer(b">", np.uint8)
DOCTYPE = np.frombuffer(b"!doctype html", np.uint8)


@kernel
def _declaration(src: U8, i: int, end: int, page: Page) -> int:
    """Pass `<!--…-->`, `<!…>` and `<?…>`; only a plain doctype stays."""
    if i + 3 < end and src[i + 2] == 45 and src[i + 3] == 45:
        stop = min(_find(src, i + 4, end, COMMENT_END) + 3, end)
    else:
        stop = min(_find(src, i + 2, end, GREATER) + 1, end)
        if stop == i + 15 and _find(src, i + 1, stop, DOCTYPE) == i + 1:
            return stop
    _cut(page, i, stop)
    return stop


@kernel
def _value(src: U8, i: int, end: int, page: Page, c: Codes) -> int:
    """Read an attribute value at `i` (after the equals sign)."""
    while i < end and src[i] <= 32:
        i += 1
    if i >= end:
        return i
    quote = src[i]
    stop = i
    if quote == 34 or quote == 39:
        i += 1
        stop = i
        while stop < end and src[stop] != quote:
            stop += 1
    else:
        while stop < end and src[stop] > 32 and src[stop] != 62:
            stop += 1
    read_span(src, (i, stop), page.values, page.values_state, c, MODE_HTML)
    wall(page.values, page.values_state, stop)
    return stop + 1 if stop < end and src[stop] == quote else stop


@kernel
def _attributes(src: U8, i: int, end: int, page: Page, c: Codes, e: Elements) -> int:
    """Read attributes up to and with the closing bracket."""
    while i < end and src[i] != 62:
        if ATTRIBUTE_STOP[src[i]]:
            i += 1
            continue
        h, stop = _lower_hash(src, i, end, ATTRIBUTE_STOP)
        slot = find(e.attribute_keys, h)
        page.values_state[KIND] = MARKUP
        read_span(src, (i, stop), page.values, page.values_state, c, MODE_HTML)
        wall(page.values, page.values_state, stop)
        i = stop
        while i < end and src[i] <= 32:
            i += 1
        if i < end and src[i] == 61:
            kind = MARKUP if slot < 0 else signed(e.attribute_values[slot])
            page.values_state[KIND] = 0 if kind == SOFT else kind
            i = _value(src, i + 1, end, page, c)
    return min(i + 1, end)


@kernel
def _tag(src: U8, i: int, end: int, page: Page, c: Codes, e: Elements) -> int:
    """Read the tag at `i`; the position after it, or -1 if none begins here."""
    if i + 1 < end and (src[i + 1] == 33 or src[i + 1] == 63):
        return _declaration(src, i, end, page)
    closing = i + 1 < end and src[i + 1] == 47
    h, stop = _lower_hash(src, i + 1 + closing, end, NAME_STOP)
    slot = find(e.keys, h)
    if slot < 0 or (stop < end and src[stop] > 32 and src[stop] != 62 and src[stop] != 47):
        return -1
    kind = e.values[slot]
    after = _attributes(src, stop, end, page, c, e)
    if kind == BREAK:
        push(page.text, page.text_state, BLANK, i, i)
    page.text_state[PENDING] = SOFT
    if kind == RAW_CUT and not closing:
        stop = _find(src, after, end, SCRIPT_END)
        if stop > after:
            _cut(page, after, stop)
        return stop
    if kind == RAW_STYLE and not closing:
        stop = _find(src, after, end, STYLE_END)
        page.values_state[KIND] = MARKUP
        read_span(src, (after, stop), page.values, page.values_state, c, MODE_HTML)
        wall(page.values, page.values_state, stop)
        return stop
    return after


@kernel
def read_pages(src: U8, offsets: I64, page: Page, c: Codes, e: Elements) -> None:
    """Read every row as a page; a wall after each."""
    text, state, action, letters = page.text, page.text_state, c.action, c.letters
    for row in range(len(offsets) - 1):
        i, end = offsets[row], offsets[row + 1]
        while i < end:
            i = read_word(src, (i, end), text, state, c)
            if i == end:
                break
            b = src[i]
            if reads_as_itself(src, i, end, action):
                push(text, state, signed(letters[b]), i, i + 1)
                i += 1
                continue
            if action[b] == LESS:
                after = _tag(src, i, end, page, c, e)
                if after < 0:
                    push(text, state, signed(letters[b]), i, i + 1)
                    after = i + 1
                i = after
                continue
            code, j = read_code(src, i, end, c, MODE_HTML)
            push_code(text, state, code, c, (i, j))
            i = j
        wall(text, state, end)


def html_view(src: U8, offsets: I64) -> tuple[Letters, I64]:
    """The view of rows of HTML, attribute values after the text, and the parts to cut."""
    size = 2 * len(src) + 2 * len(offsets) + 16
    cuts = np.empty((len(src) // 2 + 2, 2), np.int64)
    text, values = new_view(size), new_view(2 * size)
    page = Page(text.letters, text.state, values.letters, values.state, cuts, np.zeros(1, np.int64))
    read_pages(src, offsets, page, codes(), elements())
    return _joined(text, values), cuts[: int(page.cut_count[0])].copy()


def _joined(text: View, values: View) -> Letters:
    """The text and the attribute values after it; in the room that the text left over, where there is enough."""
    first, second = trimmed(text), trimmed(values)
    end = len(first.folded) + len(second.folded)
    if end > len(text.letters.folded):
        return joined([first, second])
    text.letters.place(len(first.folded), second)
    return text.letters.part(0, end)
