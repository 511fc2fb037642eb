"""Places of people: street addresses of seven countries, postcodes, coordinates; and dates of birth.

Rule 1: a street needs its word, a house number and a name with a capital; a postcode its area, state or street.
Rule 2: coordinates are a pair within the range of the globe, written to four places or more.
"""

from __future__ import annotations

import datetime as dt
import re

_CAP = r"[A-Z][\w'.-]{0,24}"
_SMALL = r"(?:de|du|des|la|le|las|los|del|di|della|dei|van|von|der|den|am|an|im|st)"
_NAME = rf"(?:{_SMALL} ){{0,2}}{_CAP}(?:[ -](?:{_SMALL} ){{0,2}}{_CAP}){{0,3}}"
EN_WORDS = (
    *("street", "st", "avenue", "ave", "av", "road", "rd", "drive", "dr", "lane", "ln", "boulevard", "blvd", "court"),
    *("ct", "circle", "cir", "place", "pl", "way", "terrace", "ter", "parkway", "pkwy", "highway", "hwy", "square"),
    *("sq", "close", "crescent", "gardens", "grove", "mews", "trail", "loop", "plaza", "row", "walk", "hill", "cove"),
    *("canyon", "ridge", "bend", "alley", "pike", "turnpike", "expressway", "freeway", "crossing", "park", "broadway"),
)
FR_WORDS = ("rue", "avenue", "boulevard", "bd", "impasse", "allee", "chemin", "place", "quai", "cours", "route")
ES_WORDS = ("calle", "avenida", "avda", "plaza", "paseo", "carrer", "camino", "ronda", "carretera", "travesia")
IT_WORDS = ("via", "viale", "piazza", "corso", "largo", "vicolo", "piazzale", "strada")
DE_WORDS = ("strasse", "weg", "platz", "allee", "gasse", "ring", "damm", "ufer", "str")
NL_WORDS = ("straat", "laan", "plein", "gracht", "kade", "dreef", "singel", "steeg")
SUFFIXES: tuple[str, ...] = (
    "strasse",
    "str",
    "weg",
    "platz",
    "allee",
    "gasse",
    "damm",
    "ufer",
    "straat",
    "laan",
    "plein",
)
SUFFIXES += ("gracht", "kade", "dreef", "singel", "steeg")
STATES = frozenset(
    re.findall(
        r"\w\w",
        "al ak az ar ca co ct de fl ga hi id il in ia ks ky la me md ma mi mn ms mo mt ne nv nh nj nm ny nc nd oh "
        "ok or pa ri sc sd tn tx ut vt va wa wv wi wy dc pr",
    )
)


def _words(words: tuple[str, ...]) -> str:
    return "|".join(f"[{w[0].upper()}{w[0]}]{w[1:]}|{w.upper()}" for w in sorted(words, key=len, reverse=True))


_STATE = "|".join(sorted(state.upper() for state in STATES))
_ZIP = rf"(?:(?:, ?| )(?:{_CAP}[ ,]+){{1,3}}(?:{_STATE})[ ,]{{1,2}}\d{{5}}(?:-\d{{4}})?)"
_UNIT = r"(?:,? (?:[Aa]pt|[Ss]uite|[Ss]te|[Uu]nit|[Ff]loor|[Ff]lat|#)\.? ?[\w-]{1,6})"
_UK = r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}"
_FORE = r"(?:Bad|Sankt|St\.?|San|Santa|Saint|La|Le|Los|Las|El|L'|Den|Sint|Neu|Alt|Gro\w{1,2}|Klein|Ober|Unter)"
_TOWN = rf"(?: (?:{_FORE} )?{_CAP}(?: (?:am|an der|im|in|bei|de|del|sur|aan|di) {_CAP})?)"  # a line may end after it
_FIVE = rf"(?:,? (?:[A-Z]{{1,2}}-)?\d{{5}}{_TOWN}?)"
_DUTCH = rf"(?:,? \d{{4}} ?[A-Z]{{2}}{_TOWN}?)"
_OLD = r"(?:Alte[rsn]?|Neue[rsn]?|Obere[rsn]?|Untere[rsn]?|Lange|Kleine|Hohe|Am|An der|Auf der|In der|Zum|Zur|Im)"
_ENDINGS = "|".join(SUFFIXES)
_ORDINAL = r"\d{1,3}(?:st|nd|rd|th|ST|ND|RD|TH)"
_NUMBER = r"\d{1,5} ?[A-Za-z]?"
STREETS = (
    re.compile(
        rf"(?<![\w.$-])\d{{1,6}}[A-Za-z]?,? (?:[NSEW]{{1,2}}\.? )?(?:{_CAP} |{_ORDINAL} ){{1,4}}"
        rf"(?:{_words(EN_WORDS)})(?!\w)\.?(?: [NSEW]{{1,2}}(?!\w))?{_UNIT}?(?:{_ZIP}|(?:, {_CAP}){{0,2}},? {_UK})?"
    ),
    re.compile(rf"(?<!\w)\d{{1,4}}(?: ?(?:bis|ter))?,? (?:{_words(FR_WORDS)})\.? {_NAME}{_FIVE}?"),
    re.compile(rf"(?<!\w)(?:{_words(ES_WORDS)}|[Cc]/)\.? {_NAME},? (?:n ?\.? ?|num\.? ?)?{_NUMBER}(?!\w){_FIVE}?"),
    re.compile(rf"(?<!\w)(?:{_words(IT_WORDS)}) {_NAME},? (?:n\.? ?)?{_NUMBER}(?!\w){_FIVE}?"),
    re.compile(
        rf"(?<!\w)(?:{_OLD} )?(?:[A-Z][\w-]{{1,40}}(?:{_ENDINGS})|[A-Z][\w-]{{1,24}}[ -](?:{_words(DE_WORDS)}))\.?"
        rf" {_NUMBER}(?:-\d{{1,4}})?(?!\w)(?:{_FIVE}|{_DUTCH})?"
    ),
)
_AREAS = frozenset(
    re.findall(
        r"\w+",
        "ab al b ba bb bd bh bl bn br bs bt ca cb cf ch cm co cr ct cv cw da dd de dg dh dl dn dt dy e ec eh en "
        "ex fk fy g gl gu ha hd hg hp hr hs hu hx ig im ip iv je ka kt kw ky l la ld le ll ln ls lu m me mk ml n "
        "ne ng nn np nr nw ol ox pa pe ph pl po pr rg rh rm s sa se sg sk sl sm sn so sp sr ss st sw sy ta td tf "
        "tn tq tr ts tw ub w wa wc wd wf wn wr ws wv yo ze",
    )
)
_POSTCODE = re.compile(r"([A-Z]{1,2})(?:\d{1,2}|\d[A-HJKMNPR-Y]) ?\d[ABD-HJLNP-UW-Z]{2}")
_PAIR = re.compile(
    r"(?<![\w.])([-+]?\d{1,2}\.\d{4,15})(?: ?[NnSs][,; ]| ?[,;]) ?"
    r"([-+]?\d{1,3}\.\d{4,15})(?!\d|\.\d)(?: ?[EeWw](?!\w))?"
)
_DATE = re.compile(r"(\d{1,4})([-/. ])(\d{1,2})\2(\d{1,4})(?!\d)")
_BETWEEN = 16


def street_in(window: str, at: int) -> tuple[int, int] | None:
    """The street address in `window` that covers the letter `at`, which its street word begins or ends."""
    for pattern in STREETS:
        for hit in pattern.finditer(window):
            if hit.start() <= at < hit.end():
                return hit.span()
    return None


def is_postcode(text: str) -> bool:
    """A British postcode whose area exists."""
    hit = _POSTCODE.fullmatch(text)
    return hit is not None and hit[1].lower() in _AREAS


def coordinates_in(window: str) -> tuple[int, int] | None:
    """The pair of latitude and longitude in `window`."""
    hit = _PAIR.search(window)
    if hit and abs(float(hit[1])) <= 90 and abs(float(hit[2])) <= 180:
        return hit.span()
    return None


def birthdate_after(text: str) -> tuple[int, int] | None:
    """The date in numbers that follows a word of birth, if the calendar has it."""
    hit = _DATE.search(text)
    if hit is None or hit.start() > _BETWEEN:
        return None
    first, middle, last = int(hit[1]), int(hit[3]), int(hit[4])
    year = first if len(hit[1]) == 4 else last
    day, month = (last, middle) if len(hit[1]) == 4 else (first, middle)
    if len(hit[1]) != 4 and len(hit[4]) == 2:
        year += 1900
    elif not 1880 < year < 2100:
        return None
    return hit.span() if _exists(year, month, day) or _exists(year, day, month) else None


def _exists(year: int, month: int, day: int) -> bool:
    try:
        dt.date(year, month, day)
    except ValueError:
        return False
    return True
