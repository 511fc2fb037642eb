"""The first passes over a tenant's tables: who is known, which words many authors use, which cells many share.

Rule 1: state grows only with distinct ids, people, words and generalized cells, as keyed hashes.
Rule 2: the people of *all* the tenant's tables are learnt, whatever category is copied: a query names contacts, too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pyarrow as pa

from readingroom.anonymize.as_text import as_text
from readingroom.anonymize.authors import authors_of, subjects_of
from readingroom.anonymize.classification import shipped
from readingroom.anonymize.engine import Engine
from readingroom.anonymize.identities import full_names, people_batch, people_in
from readingroom.anonymize.known import KnownBuilder
from readingroom.anonymize.nameless import nameless
from readingroom.anonymize.plans import TablePlan
from readingroom.anonymize.prepared import Prepared
from readingroom.anonymize.pseudonyms import Pseudonyms
from readingroom.anonymize.quasi import quasi_hashes
from readingroom.anonymize.rare import AuthorWords
from readingroom.anonymize.risk import Combinations, RiskReport
from readingroom.anonymize.schema_names import PersonWords
from readingroom.anonymize.shared import SharedCells, hash_one
from readingroom.anonymize.spelled import Spelled
from readingroom.anonymize.texts import TextEngine
from readingroom.anonymize.treatments import Action

_MARKUP = {Action.TEXT: "plain", Action.HTML: "html"}


class Preparation:
    """Collects what the engine must know before it transforms the first batch.

    Pass 1: `learn` every batch of every table. Pass 2 (or the same): `count` every batch. Then `engine`.
    """

    def __init__(self, tag_key: bytes, pseudonym_key: bytes, *, k: int = 5, profile: str = "strict") -> None:
        self._tag_key, self._k, self._profile = tag_key, k, profile
        self._pseudonyms = Pseudonyms(pseudonym_key)
        # counting has a key of its own, so that what is counted cannot be joined with tags
        self._key = hashlib.blake2b(b"counting", key=tag_key[:64], digest_size=32).digest()
        self._people = KnownBuilder(tag_key, pseudonym_key)
        self._words = AuthorWords(k, self._key)
        self._shared = SharedCells(self._key, k)
        self._person_words = PersonWords(self._key)
        self._seen: set[int] = set()
        self._combinations: dict[str, Combinations] = {}
        self.risk: tuple[RiskReport, ...] = ()
        self.state: dict[str, dict[str, int]] = {}  # what it holds, counted: for whoever plans memory

    def learn(self, plan: TablePlan, batch: pa.RecordBatch) -> None:
        """Take in the people of a batch: contacts, leads, users, accounts, and those whom other tables name."""
        with nameless(plan, "learning its people"):
            for people in people_in(plan, batch, unseen=self._unseen):
                self._add(plan, people)
            self._count_places(plan, batch)

    def learn_spelled(self, tag: bytes, spelled: Spelled) -> None:
        """Take in a value that an earlier copy showed and should not have, as `known.spell` left it."""
        self._people.add_spelled(tag, spelled)

    def learn_former(self, plan: TablePlan, batch: pa.RecordBatch) -> None:
        """Take in who is named in rows that are not current: a former name, or somebody who was deleted, still is one.

        Nothing of such a row is counted: what only deleted people share is not common (P14).
        """
        with nameless(plan, "learning its people"):
            for people in people_in(plan, batch, unseen=self._unseen):
                rows = [row for row in people.to_pylist() if self._unseen(repr(row))]  # versions mostly say the same
                self._add(plan, people_batch(rows))

    def _add(self, plan: TablePlan, people: pa.RecordBatch) -> None:
        self._people.add_people(people)
        if plan.person != "account":
            self._person_words.add(full_names(people))

    def count(self, plan: TablePlan, batch: pa.RecordBatch) -> None:
        """Count the authors of words, the subjects of codes and places, and combinations of quasi-identifiers."""
        with nameless(plan, "counting"):
            subjects = subjects_of(plan, batch, key=self._key)
            authors = authors_of(plan, batch, key=self._key)
            for column in plan.columns:
                if column.name not in batch.schema.names:
                    continue
                cells = as_text(batch.column(column.name))
                action = column.treatment.action
                if action in _MARKUP:
                    self._words.add(authors, cells, _MARKUP[action])
                elif action is Action.KEEP or column.treatment.argument == "place":
                    self._shared.add(f"{plan.table}.{column.name}", cells, subjects=subjects)
            if plan.quasi and plan.quasi == tuple(name for name in plan.quasi if name in batch.schema.names):
                counted = self._combinations.setdefault(plan.table, Combinations(plan.table, plan.quasi))
                counted.add(quasi_hashes(plan, batch, key=self._key))

    def _unseen(self, pair: str) -> bool:
        digest = hash_one(self._key, pair)
        if digest in self._seen:
            return False
        self._seen.add(digest)
        return True

    def _count_places(self, plan: TablePlan, batch: pa.RecordBatch) -> None:
        """Cities and countries of whatever column: a query for one may show it if enough people have it."""
        places = [name for name in plan.needed if name in batch.schema.names and shipped().kind(name) == "place"]
        if places:
            subjects = subjects_of(plan, batch, key=self._key)
            for name in places:
                self._shared.add("place", as_text(batch.column(name)), subjects=subjects)

    def engine(self, plans: Sequence[TablePlan]) -> Engine:
        """The engine for these tables; nothing can be learnt afterwards."""
        known = self._people.build()
        self.state = {"known": known.report(), "words": self._words.report()}
        texts = TextEngine(known, self._words.build(), self._pseudonyms, self._tag_key, self._profile)
        suppressions = {table: counted.solve(self._k) for table, counted in self._combinations.items()}
        self.risk = tuple(suppression.report for suppression in suppressions.values())
        prepared = Prepared(
            texts=texts,
            pseudonyms=self._pseudonyms,
            tag_key=self._tag_key,
            counting_key=self._key,
            shared=self._shared,
            suppressions=suppressions,
            people=self._person_words,
        )
        return Engine(tuple(plans), prepared)
