"""Who a request is about: from the identifiers given to every tag that the link tables know of that person (P16).

Rule 2: a name, a telephone or an address alone may be several people's. Then the request is refused with the number of
candidates and no more, and asks for an e-mail address or a record id: nobody is erased for bearing a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from readingroom.anonymize.tagging import TAG
from readingroom.core.errors import Refusal
from readingroom.subjects.identifiers import STRONG


@dataclass(frozen=True)
class Subject:
    """One person as the copies know them: every tag with its kind, and how many others share one of them."""

    tags: Mapping[bytes, str]
    people: int  # records that are this person: a contact, a lead, a user
    also_touched: int


def choose(given: Mapping[bytes, str], links: pa.Table) -> Subject:
    """The person whom `given` names, by the link rows (person, kind, tag); Refusal where they are several."""
    strong = pa.array([tag for tag, kind in given.items() if kind in STRONG], TAG)
    weak = pa.array([tag for tag, kind in given.items() if kind not in STRONG], TAG)
    people = _people(links, strong)
    if not people:
        people = _people(links, weak)
        if len(people) > 1 and len(_families(links, people)) > 1:
            raise Refusal(
                f"these identifiers fit {len(people)} records of different people; add an e-mail address or a record id"
            )
    mine = links.filter(pc.is_in(links["person"], value_set=pa.array(sorted(people), TAG)))
    tags = dict(zip(mine["tag"].to_pylist(), mine["kind"].to_pylist(), strict=True))
    tags |= dict(given)
    others = _people(links, pa.array(sorted(tags), TAG)) - people
    return Subject(tags, people=len(people), also_touched=len(others))


def _people(links: pa.Table, tags: pa.Array) -> set[bytes]:
    named = pc.or_(pc.is_in(links["tag"], value_set=tags), pc.is_in(links["person"], value_set=tags))
    return set(links.filter(named)["person"].unique().to_pylist())


def _families(links: pa.Table, people: set[bytes]) -> list[set[bytes]]:
    """`people` in groups that share a strong identifier: a contact and the lead it came from are one person."""
    groups: list[tuple[set[bytes], set[bytes]]] = []
    for person in sorted(people):
        rows = links.filter(pc.equal(links["person"], pa.scalar(person, TAG)))
        strong = {t for t, k in zip(rows["tag"].to_pylist(), rows["kind"].to_pylist(), strict=True) if k in STRONG}
        touching = [group for group in groups if group[1] & strong]
        merged = ({person}.union(*(g[0] for g in touching)), strong.union(*(g[1] for g in touching)))
        groups = [group for group in groups if group not in touching] + [merged]
    return [members for members, _ in groups]
