"""Made-up documents in seven languages with labelled names, places, organizations, addresses and dates.

The sentences (templates.txt) were written for this project; names come from the public lists of the package and, like
companies, towns, jobs and addresses, from faker (MIT). Nothing here was taken from a corpus. Same seed, same documents.

    g f p v q  a given name, a family name, a full name, a name with a particle, "Family, Given"
    i G        a name in lower case, in capitals          z      an initial
    l x        a place; a place that is also a name       o y    an organization; one made of family names
    a m r      an address in one line, in lines, a street d n    a date, a number
    t e j      a phone number, an e-mail address, a job   w W s  a word, the same with a capital, some words
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from faker import Faker

from readingroom.anonymize.lexicon import _lines, _text, is_public

TEMPLATES = Path(__file__).with_name("templates.txt")
LOCALES = {
    "en": ("en_US", "en_US", "en_GB", "en_AU", "en_CA", "en_IN", "en_IE", "en_NZ"),
    "fr": ("fr_FR", "fr_BE", "fr_CA", "fr_CH"),
    "es": ("es_ES", "es_ES", "es_MX", "es_CO"),
    "de": ("de_DE", "de_DE", "de_AT", "de_CH"),
    "it": ("it_IT",),
    "nl": ("nl_NL", "nl_BE"),
    "pl": ("pl_PL",),
}
ALSO = ("sv_SE", "da_DK", "no_NO", "fi_FI", "cs_CZ", "hu_HU", "pt_PT", "pt_BR", "ro_RO", "tr_TR", "hr_HR", "sl_SI")
KINDS = {"company": 300, "city": 300, "address": 500, "street_name": 200, "phone_number": 200}
KINDS |= {"first_name": 500, "last_name": 500}
SHARES = ("en", "en", "en", "en", "fr", "es", "es", "de", "de", "it", "nl", "pl")
PIECE = re.compile(r"\{\{|\}\}|\{(\w)\}")
_PARTICLES = "van,van de,van der,van den,de,de la,del,von,von der,zu,da,dos,di,della,la,le,du,ten,ter,al,el,bin,die"
_NAME_PLACES = (
    "Georgia Jordan Victoria Austin Houston Dallas Jackson Madison Lincoln Chelsea Florence Sofia Paris Savannah "
    "Charlotte Carolina Virginia Sydney Adelaide Dakota Kent Chester Devon Brooklyn Asia Chad Israel Santiago Lourdes "
    "Valencia Catalina Orlando Lancaster Bristol Preston Warwick Stafford Washington Hamilton Wellington Melbourne "
    "Darwin Perth Raleigh Troy Clinton Monroe Jefferson Franklin Milan Verona Siena Vienna London Boston Phoenix "
    "Cleveland Lafayette Laredo Leon Cordoba Trinidad Malta Kenya India China America Britain Holland Essex York Troy"
)
_FIRMS = "Inc|Inc.|LLC|Ltd|Ltd.|Limited|Corp|plc|Group|Holdings|Partners|GmbH|AG|SE|SA|SARL|S.L.|B.V.|Bank|Hospital"
_FIRMS += "|University|Foundation|Institute|Industries|Systems|Consulting|Orchestra|Church|School|Clinic|Motors|Energy"
_JOBS = (
    "CEO|CTO|CFO|COO|Head of Procurement|Account Executive|Account Manager|Customer Success|Customer Success Manager|"
    "Sales Director|Marketing Manager|Head of Sales|VP Engineering|Project Manager|Product Manager|Software Engineer|"
    "Managing Director|General Counsel|Attorney|Paralegal|Nurse|Registrar|Senior Engineer|Editor|Producer|Teacher|"
    "Director|Secretary|Treasurer|Office Manager|Business Analyst|Vice President|Executive Assistant|Agent|Solicitor|"
    "Barrister|Professor of Law|Owner|Founder|Co-Founder|Chief of Staff|Geschäftsführer|Vertriebsleiter|Einkauf|"
    "Directeur commercial|Chargée de clientèle|Directora|Jefe de ventas|Responsable de compras|Inkoper|Verkoopleider"
)
_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
}
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday Mon Tue Wed Thu Fri"
_UNITS = ("Apt. {}", "Suite {}", "Unit {}", "Flat {}", "#{}", "Floor {}", "Apt {}")


class _Maker:
    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.given = [word.capitalize() for word in _lines("names-given")]
        self.family = [word.capitalize() for word in _lines("names-family")]
        self.rarely = [word for word in _lines("words-en") if 2 < len(word) < 12 and is_public(word)]
        own = [word for word in (_text("words-own.txt") + _text("words-common.txt")).split() if word.isalpha()]
        self.often = [word for word in own if len(word) > 2]
        self.pools = {locale: self._pool(locale, seed) for locale in sorted({*ALSO, *sum(LOCALES.values(), ())})}
        self.kinds: dict[str, Callable[[str], tuple[str, str]]] = {
            **dict.fromkeys("gfpvqiG", self._someone),
            **dict.fromkeys("lx", self._place),
            **dict.fromkeys("oy", self._firm),
            **dict.fromkeys("amr", self._address),
        }

    def _pool(self, locale: str, seed: int) -> dict[str, list[str]]:
        fake = Faker(locale)
        fake.seed_instance(seed)
        return {kind: [str(getattr(fake, kind)()) for _ in range(count)] for kind, count in KINDS.items()}

    def pick(self, words: Any) -> str:
        return str(words[int(self.rng.integers(0, len(words)))])

    def number(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high))

    def of(self, kind: str) -> str:
        locale = self.pick(LOCALES[self.lang]) if self.rng.random() < 0.75 else self.pick(ALSO)
        return self.pick(self.pools[locale][kind])

    def word(self) -> str:
        return self.pick(self.often if self.rng.random() < 0.5 else self.rarely)

    def one(self, kind: str) -> tuple[str, str]:
        """(text, label) of one value; no label: nothing that is looked for."""
        self.kind = kind
        if kind in self.kinds:
            return self.kinds[kind](kind)
        if kind == "d":
            return self._date(), "DATE"
        plain = {
            "n": lambda: str(self.number(3, int(self.pick([99, 2030, 99999])))),
            "w": self.word,
            "W": lambda: self.word().capitalize(),
            "s": lambda: " ".join(self.word() for _ in range(self.number(2, 8))) + ".",
            "z": lambda: self.pick("ABCDEFGHJKLMNPRSTW"),
            "j": lambda: self.pick(_JOBS.split("|")),
            "t": lambda: self.of("phone_number"),
            "e": lambda: f"{self.pick(self.given).lower()}.{self.pick(self.family).lower()}@{self.word()}.com",
        }
        return plain[kind](), ""

    def _first(self) -> str:
        return self.of("first_name") if self.rng.random() < 0.5 else self.pick(self.given)

    def _last(self) -> str:
        return self.of("last_name") if self.rng.random() < 0.5 else self.pick(self.family)

    def _small(self) -> str:
        return self.pick(_PARTICLES.split(","))

    def _someone(self, kind: str) -> tuple[str, str]:
        given, family = self._first(), self._last()
        full = f"{given} {family}"
        made = {
            "g": [given],
            "f": [family],
            "p": [full] * 6 + [f"{given} {given[0]}. {family}", f"{given[0]}. {family}", f"{family}, {given}",
                  f"{given} {family}-{self._last()}", full.upper(), full.lower(), f"{given} {self._last()} {family}",
                  f"{given} {given[-1].upper()} {family}"],
            "v": [f"{self._small()} {family}", f"{given} {self._small()} {family}",
                  f"{self._small()} {family}, {given}"],
            "q": [f"{family}, {given}", f"{family}, {given} {given[0]}."],
            "i": [given.lower(), given.lower(), full.lower()],
            "G": [given.upper(), full.upper()],
        }  # fmt: skip
        return self.pick(made[kind]), "PERSON"

    def _place(self, kind: str) -> tuple[str, str]:
        return self.pick(_NAME_PLACES.split()) if kind == "x" else self.of("city"), "LOCATION"

    def _firm(self, kind: str) -> tuple[str, str]:
        one, other = self._last(), self._last()
        made = [f"{one} {other}", f"{one} & {other}", f"{one} and {other}", f"{one}, {other} and {self._last()}",
                f"{one}-{other}", f"{one} {other} {self.pick(_FIRMS.split('|'))}"]  # fmt: skip
        if kind == "o":
            made = [self.of("company"), self.of("company"), f"{one} {self.pick(_FIRMS.split('|'))}"]
            made += [f"{self.word().capitalize()} {self.pick(_FIRMS.split('|'))}"]
        return self.pick(made), "ORG"

    def _date(self) -> str:
        year, month, day = self.number(1930, 2030), self.number(1, 13), self.number(1, 29)
        name = _MONTHS[self.lang].split()[month - 1]
        if self.lang == "de":
            return self.pick([f"{day}. {name} {year}", f"{day:02}.{month:02}.{year}"])
        if self.lang != "en":
            link = " de " if self.lang == "es" else " "
            return self.pick([f"{day}{link}{name}{link}{year}", f"{day:02}/{month:02}/{year}"])
        weekday = self.pick(_DAYS.split())
        return self.pick([f"{day} {name} {year}", f"{name} {day}, {year}", f"{name} {day}", f"{name} {year}",
                          f"{month}/{day}/{year}", f"{year}-{month:02}-{day:02}", f"{day}-{name[:3]}-{year}",
                          f"{weekday}, {name} {day}, {year}", f"{day} {name}", f"{day}th of {name} {year}",
                          f"{month:02}/{day:02}/{year % 100:02}", f"{name[:3]} {day}, {year}"])  # fmt: skip

    def _address(self, kind: str) -> tuple[str, str]:
        street = self.of("street_name")
        house = str(self.number(1, int(self.pick([99, 9999]))))
        if kind == "r":
            return self.pick([street, f"{house} {street}", f"{street} {house}", f"{street} street"]), "ADDRESS"
        lines = self.of("address").split("\n")
        if self.rng.random() < 0.35:
            lines = [self.pick([f"{house} {street}", f"{street} {house}", f"{house} {lines[0]}"])]
            lines += [self.pick(_UNITS).format(self.number(1, 999))] if self.rng.random() < 0.6 else []
            lines += [self.of("city")] if self.rng.random() < 0.9 else []
            code = str(self.number(10000, 99999))
            lines += [self.pick([code, f"{self.pick(list('ABCMNT'))}{self.pick(list('ALXYZ'))} {code}", ""])]
        if self.rng.random() < 0.08:
            state = self.pick(["AA", "AE", "AP"])
            lines = [self.pick([f"PSC {house}, Box {house}", f"USS {self._last()}", f"Unit {house} Box {house}"])]
            lines += [f"{self.pick(['APO', 'FPO', 'DPO'])} {state} {self.number(10000, 99999)}"]
        elif self.rng.random() < 0.08:
            lines[0] = f"P.O. Box {house}"
        between = "\n" if kind == "m" else self.pick([", ", ", ", " ", "\n", "\n "])
        text = between.join(line for line in lines if line)
        if self.rng.random() < 0.07:
            text = text.lower()
        return text, "ADDRESS"


def _sections() -> dict[tuple[str, str], list[str]]:
    """Templates by language and genre."""
    found: dict[tuple[str, str], list[str]] = {}
    here: list[str] = []
    for line in TEMPLATES.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            lang, _, genre = line.strip("[]").partition(" ")
            if lang in LOCALES:
                here = found.setdefault((lang, genre), [])
                continue
        if line and not line.startswith("# Sent") and not line.startswith("# line"):
            here.append(line.replace("\\n", "\n"))
    return found


def _outline(maker: _Maker, sections: dict[tuple[str, str], list[str]]) -> list[str]:
    """Which templates a document is made of."""
    lang = maker.lang
    body = sections[lang, "body"]
    if lang != "en":
        return [maker.pick(body) for _ in range(maker.number(3, 9))]
    genre = maker.pick(["mail", "mail", "mail", "mail", "body", "body", "court", "tweet", "note"])
    if genre != "mail":
        return [maker.pick(sections["en", genre]) for _ in range(maker.number(1, 8))]
    made = [maker.pick(sections["en", "header"])] if maker.rng.random() < 0.5 else []
    made += [maker.pick(sections["en", "greeting"]) + "\n"] if maker.rng.random() < 0.9 else []
    made += [maker.pick(body) for _ in range(maker.number(1, 6))]
    return made + ([maker.pick(sections["en", "closing"])] if maker.rng.random() < 0.9 else [])


def documents(count: int, seed: int) -> list[dict[str, Any]]:
    """Documents in the format of the corpora."""
    maker = _Maker(seed)
    sections = _sections()
    found = []
    for number in range(count):
        maker.lang = maker.pick(SHARES)
        text, spans = "", []
        for template in _outline(maker, sections):
            at = 0
            for hit in PIECE.finditer(template):
                text += template[at : hit.start()]
                at = hit.end()
                value, label = maker.one(hit[1]) if hit[1] else (hit[0][0], "")
                if label:
                    spans.append([len(text), len(text) + len(value), label])
                text += value
            text += template[at:]
            text += " " if maker.rng.random() < 0.35 and "\n" not in template else "\n"
        found.append({"id": f"synthetic-{number}", "text": text, "spans": spans})
    return found
