"""Build the word and name lists in src/readingroom/anonymize/data from public sources; offline, same bytes each time.

Needs Debian's wamerican, wbritish, hunspell-fr-classical, hunspell-es, faker and spacy-lookups-data (licences:
data/README.md):
    apt-get install wamerican wbritish hunspell-fr-classical hunspell-es
    pip install faker==40.54.0 spacy-lookups-data==1.0.5
    python scripts/build_vocabulary.py
"""

from __future__ import annotations

import gzip
import importlib
import json
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from readingroom.anonymize.folding import fold

DATA = Path(__file__).parents[1] / "src/readingroom/anonymize/data"
PLAIN = re.compile(r"[a-z]{2,24}")
NAME_PARTS = re.compile(r"[a-z]{2,24}")
ENGLISH = ("/usr/share/dict/american-english", "/usr/share/dict/british-english")
HUNSPELL = {"fr": "/usr/share/hunspell/fr", "es": "/usr/share/hunspell/es_ES"}
# locales whose names are written in Latin letters or given in them
LATIN = re.compile(r"(cs|da|de|en|es|et|fi|fr|ga|hr|hu|id|is|it|lt|lv|nl|no|pl|pt|ro|sk|sl|sv|tr|vi)_")


def squash(word: str) -> str:
    """Folded letters only, as the engine hashes a word."""
    return "".join(c for c in fold(word) if c.isalnum())


def english() -> set[str]:
    """Lower-case entries of SCOWL (size 60); possessives are left to the tokenizer."""
    words = set()
    for path in ENGLISH:
        for line in Path(path).read_text(encoding="utf-8").split():
            bare = line.removesuffix("'s")
            if bare[:1].islower():
                words.update(squash(part) for part in re.split(r"[-' ]", bare))
    return words


def affixes(path: Path) -> tuple[bool, dict[str, list[tuple[str, str, re.Pattern[str]]]]]:
    """Whether flags have two letters, and the suffix rules of a hunspell .aff file."""
    rules: dict[str, list[tuple[str, str, re.Pattern[str]]]] = {}
    long = False
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        fields = line.split()
        long = long or fields[:2] == ["FLAG", "long"]
        if len(fields) >= 5 and fields[0] == "SFX" and fields[2] not in {"Y", "N"}:
            strip = "" if fields[2] == "0" else fields[2]
            add = "" if fields[3].split("/")[0] == "0" else fields[3].split("/")[0]
            rules.setdefault(fields[1], []).append((strip, add, re.compile(fields[4] + "$")))
    return long, rules


def hunspell(stem: str) -> set[str]:
    """Lower-case entries of a hunspell dictionary with their suffixed forms."""
    encoding = "utf-8" if b"SET UTF-8" in Path(stem + ".aff").read_bytes()[:2000] else "latin-1"
    if encoding != "utf-8":
        raise SystemExit(f"{stem}: expected UTF-8")
    long, rules = affixes(Path(stem + ".aff"))
    words = set()
    for line in Path(stem + ".dic").read_text(encoding=encoding).splitlines()[1:]:
        entry, _, flags = re.split(r"\s", line.strip(), maxsplit=1)[0].partition("/")
        if not entry[:1].islower():
            continue
        words.add(squash(entry))
        for flag in (flags[i : i + 2] for i in range(0, len(flags), 2)) if long else flags:
            for strip, add, condition in rules.get(flag, ()):
                if entry.endswith(strip) and condition.search(entry):
                    words.add(squash(entry[: len(entry) - len(strip)] + add))
    return words


def german(names: set[str]) -> set[str]:
    """Forms and base forms of spaCy's lemma table; a capitalised one that is a name (or its genitive) is not."""
    folder = Path(importlib.import_module("spacy_lookups_data").__file__ or "").parent
    with gzip.open(folder / "data/de_lemma_lookup.json.gz", "rt", encoding="utf-8") as file:
        table: dict[str, str] = json.load(file)
    words = set()
    for entry in {*table, *table.values()}:
        word = squash(entry)
        if entry[:1].islower() or not {word, word.removesuffix("s"), word.removesuffix("es")} & names:
            words.add(word)
    return words


def faker_names() -> tuple[set[str], set[str]]:
    """Given and family names of Faker's person providers."""
    from faker.providers import person

    given: set[str] = set()
    family: set[str] = set()
    for module in pkgutil.iter_modules(person.__path__):
        if LATIN.match(module.name + "_"):
            provider = importlib.import_module(f"faker.providers.person.{module.name}").Provider
            for attribute in dir(provider):
                target = (
                    given
                    if attribute.startswith("first_name")
                    else family
                    if attribute.startswith("last_name")
                    else None
                )
                if target is not None:
                    target.update(parts(getattr(provider, attribute)))
    return given, family


def parts(names: object) -> Iterator[str]:
    """The words of a provider's names (some providers give weights)."""
    for name in names if isinstance(names, list | tuple | set | frozenset | dict) else ():
        if isinstance(name, str):
            for word in re.split(r"[\s'\u2019-]+", name):
                if len(squash(word)) > 1:
                    yield squash(word)
                    for old, new in (("ä", "ae"), ("ö", "oe"), ("ü", "ue")):
                        if old in word.lower():
                            yield squash(word.lower().replace(old, new))


def write(name: str, words: set[str], pattern: re.Pattern[str] = PLAIN) -> None:
    """Write a sorted list, compressed without a time stamp."""
    lines = sorted(word for word in words if pattern.fullmatch(word))
    data = gzip.compress(("\n".join(lines) + "\n").encode(), 9, mtime=0)
    (DATA / f"{name}.txt.gz").write_bytes(data)
    print(f"{name}: {len(lines)} entries, {len(data) / 1e3:.0f} kB")


def main() -> int:
    """Build all lists."""
    write("words-en", english())
    for language, stem in HUNSPELL.items():
        write(f"words-{language}", hunspell(stem))
    given, family = faker_names()
    write("words-de", german(given | family))
    write("names-given", given, NAME_PARTS)
    write("names-family", family, NAME_PARTS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
