"""The public lexicon: which folded words anybody may write, which are names, and the few that steer the rules.

Rule 1: the lists ship with the package and are the same for every tenant; data/README.md says where they come from.
Rule 2: a word that is also a name keeps both marks; where it stands decides (names).
"""

from __future__ import annotations

import gzip
from functools import cache
from importlib import resources

import numpy as np

from readingroom.anonymize.folding import fold
from readingroom.anonymize.kernels import Table, clear, empty_table, fill, hash_words, look_up

WORD = 1
GIVEN = 2
FAMILY = 4
MARKUP_WORD = 8
HONORIFIC = 16
GREETING = 32
DOT = 64
AT = 128
PARTICLE = 256  # van, de, la: inside family names
FOREIGN = 512  # a word of French or Spanish that is none of English
COMMON = 1024  # never a name in lower case
KIN = 2048  # a relative
POSSESSIVE = 1 << 20  # my, his, su
NUMBER = 12  # bits 12..15: 1 + the digit that a word names
MONTH = 16  # bits 16..19: the month that a word names
NAME = GIVEN | FAMILY

_FILES = {
    "words-en": WORD,
    "words-fr": FOREIGN,
    "words-es": FOREIGN,
    "words-de": FOREIGN,
    "names-given": GIVEN,
    "names-family": FAMILY,
}
_HONORIFICS = (
    "mr mrs ms miss mister dr doctor prof professor sir madam mme mlle monsieur madame mademoiselle senor senora"
    " senorita sr sra srta don dona herr herrn frau doktor maitre rev capt captain judge senator"
)
_GREETINGS = (
    "dear hi hello hey hallo hola bonjour salut cher chere liebe lieber thanks thank regards cheers sincerely attn"
    " estimado estimada querido querida geehrte geehrter bcc cc from to with by sent forwarded call contact ask"
    " owner manager cordially yours best love"
)
_PARTICLES = "van von der den de del della di da dos du la le el al bin ibn ter ten zu zur zum st san mac mc o"
_KIN = (
    "mother mom mum mommy mummy father dad daddy brother sister brothers sisters son sons daughter daughters wife"
    " husband uncle aunt cousin cousins niece nephew grandmother grandfather grandma grandpa granddaughter grandson"
    " grandparents parents stepfather stepmother fiance fiancee twin twins sibling siblings family"
    " madre padre padres hermano hermana hermanos hermanas hijo hija hijos hijas esposa esposo marido pareja tio"
    " tia tios primo prima primos sobrino sobrina sobrinos abuelo abuela abuelos nieto nieta nietos gemelo gemela"
    " conyuge cunado cunada suegro suegra progenitores familia familiares"
    " mere pere soeur frere fille fils epouse epoux oncle tante cousine neveu grandmere grandpere famille conjoint"
    " mutter vater bruder schwester sohn tochter ehefrau ehemann onkel neffe nichte grossmutter grossvater eltern"
    " geschwister enkel enkelin familie schwager schwagerin lebensgefahrte lebensgefahrtin"
)
_POSSESSIVES = "my your his her our their su sus mi mis tu mon ma mes sa ses leur mein meine meinem meiner seine ihre"
_MONTHS = (
    "january jan janvier enero januar",
    "february feb fevrier febrero februar",
    "march mar mars marzo maerz marz",
    "april apr avril abril",
    "may mai mayo",
    "june jun juin junio juni",
    "july jul juillet julio juli",
    "august aug aout agosto",
    "september sep sept septembre septiembre",
    "october oct octobre octubre oktober okt",
    "november nov novembre noviembre",
    "december dec decembre diciembre dezember dez",
)
_NUMBERS = (
    "zero oh nought null cero",
    "one un eins uno",
    "two deux zwei zwo dos",
    "three trois drei tres",
    "four quatre vier cuatro",
    "five cinq funf fuenf cinco",
    "six sechs seis",
    "seven sept sieben siete",
    "eight huit acht ocho",
    "nine neuf neun nueve",
)


@cache
def lexicon() -> Table:
    """The table from polynomial hash to marks, made once per process."""
    lists = [(_lines(name), bit) for name, bit in _FILES.items()]
    lists.append((_own("words-own.txt"), WORD))
    lists.append((_own("markup.txt"), MARKUP_WORD))
    lists += [(_KIN.split(), KIN), (_POSSESSIVES.split(), POSSESSIVE)]
    lists += [(_HONORIFICS.split(), HONORIFIC), (_GREETINGS.split(), GREETING), (_PARTICLES.split(), PARTICLE)]
    lists += [(["dot", "punkt", "point", "punto"], DOT), (["at", "arroba", "arobase"], AT)]
    lists += [(words.split(), (i + 1) << NUMBER) for i, words in enumerate(_NUMBERS)]
    lists += [(words.split(), (i + 1) << MONTH) for i, words in enumerate(_MONTHS)]
    never, _, seldom = _text("words-common.txt").partition("---")
    lists.append((_words(never) + _words(seldom), COMMON))
    table = empty_table(sum(len(words) for words, _ in lists))
    for words, bit in lists:
        fill(table, hash_words(words), np.full(len(words), bit, np.int32))
    clear(table, hash_words(_words(never)), ~NAME)
    return table


@cache
def short_names() -> dict[str, tuple[str, ...]]:
    """From a given name to its short forms, such as `robert` to `bob`."""
    found = {}
    for line in _text("names-own.txt").splitlines():
        name, colon, short = line.partition(":")
        if colon and not line.startswith("#"):
            found[name.strip()] = tuple(short.split())
    return found


def _own(name: str) -> list[str]:
    return _words(_text(name))


def _words(text: str) -> list[str]:
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return [fold(word) for line in lines for word in line.split()]


def _text(name: str) -> str:
    return resources.files("readingroom.anonymize").joinpath("data", name).read_text(encoding="utf-8")


def _lines(name: str) -> list[str]:
    data = resources.files("readingroom.anonymize").joinpath("data", f"{name}.txt.gz").read_bytes()
    return gzip.decompress(data).decode().split()


def is_public(word: str) -> bool:
    """Whether a single word is public and nobody's name: for column names and the like."""
    marks = int(look_up(lexicon(), hash_words([fold(word)]))[0])
    return marks & (WORD | FOREIGN | MARKUP_WORD) != 0 and not marks & NAME
