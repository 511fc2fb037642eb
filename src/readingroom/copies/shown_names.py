"""Which names of an export's tables and columns the vendor may see: those that a schema copy would show (P26).

A custom table may be called after a person. Its customer knows the names and reads them as they are; to anybody else
a name that is on no list and may be somebody's is withheld, with the reason and never the name.
"""

from __future__ import annotations

import secrets
from typing import Final

from readingroom.anonymize.classification import shipped
from readingroom.anonymize.identities import full_names, people_in
from readingroom.anonymize.plans import classify
from readingroom.anonymize.schema_names import NameCheck, PersonWords
from readingroom.sources import SourceSet, TableInfo

_PEOPLE: Final = frozenset({"contact", "lead", "user"})


def name_check(sources: SourceSet) -> NameCheck:
    """The check of schema copies, knowing everybody who is or was in the tables of people; hashes in memory only."""
    words = PersonWords(secrets.token_bytes(32))
    for table in sources.tables():
        if shipped().table(table.name, table.store).person in _PEOPLE:
            _learn(sources, table, words)
    return NameCheck(shipped(), words)


def _learn(sources: SourceSet, table: TableInfo, words: PersonWords) -> None:
    plan = classify(table.name, table.store, [(one.name, one.type) for one in table.columns])
    for batches in (sources.read(table, plan.needed), sources.former(table, plan.needed)):
        for batch in batches:
            for people in people_in(plan, batch, unseen=_every):
                words.add(full_names(people))


def _every(pair: str) -> bool:
    del pair
    return True


def cleared(name: str, check: NameCheck | None, number: int) -> str:
    """The name, or `(withheld N: why)`; without a check every name is shown."""
    why = check.why_not(name) if check is not None else ""
    return f"(withheld {number}: {why})" if why else name
