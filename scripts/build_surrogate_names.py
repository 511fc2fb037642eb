"""Build anonymize/data/surrogate-names.json.gz: given names by language and gender, and family names, from Faker.

    pip install --target /tmp/faker faker==40.54.0
    PYTHONPATH=/tmp/faker python scripts/build_surrogate_names.py

Offline, the same bytes each time. Names in Latin letters, one word, from two to fourteen letters.
"""

from __future__ import annotations

import gzip
import importlib
import json
import re
from pathlib import Path

GOAL = Path(__file__).parent.parent / "src/readingroom/anonymize/data/surrogate-names.json.gz"
LOCALES = {
    "en": ("en_US", "en_GB"),
    "de": ("de_DE",),
    "fr": ("fr_FR",),
    "es": ("es_ES",),
    "it": ("it_IT",),
    "nl": ("nl_NL",),
    "pt": ("pt_PT",),
    "pl": ("pl_PL",),
    "sv": ("sv_SE",),
    "da": ("da_DK", "no_NO"),
    "fi": ("fi_FI",),
    "cs": ("cs_CZ",),
    "ro": ("ro_RO",),
    "tr": ("tr_TR",),
    "in": ("en_IN",),
}
_WORD = re.compile(r"[A-ZÀ-ÖØ-ÞĀ-Ž][a-zß-öø-ÿā-ž]{1,13}")
_PARTS = {
    "male": ("first_names_male",),
    "female": ("first_names_female",),
    "family": ("last_names", "last_names_male", "last_names_female"),
}


def main() -> None:
    """Write the file."""
    made = {}
    for language, locales in LOCALES.items():
        providers = [importlib.import_module(f"faker.providers.person.{locale}").Provider for locale in locales]
        made[language] = {
            part: sorted(
                {
                    name
                    for provider in providers
                    for attribute in attributes
                    for name in (vars(provider).get(attribute) or ())
                    if _WORD.fullmatch(name)
                }
            )
            for part, attributes in _PARTS.items()
        }
        both = set(made[language]["male"]) & set(made[language]["female"])
        for part in ("male", "female"):
            made[language][part] = [name for name in made[language][part] if name not in both]
    data = json.dumps(made, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    GOAL.write_bytes(gzip.compress(data, 9, mtime=0))
    for language, parts in made.items():
        print(language, {part: len(names) for part, names in parts.items()})


if __name__ == "__main__":
    main()
