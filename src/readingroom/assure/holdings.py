"""Copies as evidence: manifests against the log, parts against the store and the keyring, certificates against both.

Nothing here opens a part: sealed bytes are hashed, keys are listed, absence is probed (`copies.destroy.probe`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from readingroom.assure.register import Leaf, place_leaves
from readingroom.copies.certificate import read_certificate, verify_certificate
from readingroom.copies.destroy import StoredObject, probe
from readingroom.copies.manifest import read_manifest
from readingroom.copies.records import Copy, Part, list_copies, list_parts
from readingroom.copies.states import CopyState
from readingroom.copies.tables import PartKind
from readingroom.core.category import Category
from readingroom.core.clock import parse_instant
from readingroom.core.errors import Fault, ObjectMissing, ReadingroomError, Refusal, UnknownName
from readingroom.core.ids import PartName
from readingroom.house import House
from readingroom.keys.roles import Role

Manifests = dict[str, Mapping[str, Any]]


def copies_of(house: House, *categories: Category, states: Iterable[CopyState] = CopyState) -> tuple[Copy, ...]:
    """The copies of these categories in these states, oldest first."""
    wanted = frozenset(states)
    return tuple(copy for copy in list_copies(house) if copy.category in categories and copy.state in wanted)


def manifests(house: House, copies: Iterable[Copy]) -> tuple[Manifests, list[str]]:
    """The manifests that are the ones that the log names, and what is wrong with the others."""
    named = {leaf.copy: leaf.facts.get("manifest_sha256") for leaf in place_leaves(house, "copy.sealed")}
    found: Manifests = {}
    wrong: list[str] = []
    for copy in copies:
        try:
            manifest = read_manifest(house, copy.id)
        except Fault:
            wrong.append("a manifest is not the one that was sealed")
            continue
        if not copy.manifest_sha256 or named.get(copy.id) != copy.manifest_sha256:
            wrong.append("the log names another manifest")
        elif manifest.get("copy") != copy.id or manifest.get("category") != copy.category.value:
            wrong.append("a manifest is another copy's")
        else:
            found[copy.id] = manifest
    return found, wrong


def sealed_sums(house: House) -> dict[tuple[str, str], str]:
    """SHA-256 of every part that was ever sealed, by copy and key name, as the log says."""
    sums: dict[tuple[str, str], str] = {}
    for leaf in place_leaves(house, "copy.part_recorded", "copy.part_rewritten"):
        sums |= {(leaf.copy, part["part"]): str(part["sha256"]) for part in leaf.facts["parts"]}
    return sums


def recorded_parts(house: House) -> dict[str, set[str]]:
    """The stable names of the parts of each copy, as the log says."""
    names: dict[str, set[str]] = {}
    for leaf in place_leaves(house, "copy.part_recorded"):
        names.setdefault(leaf.copy, set()).update(part["part"] for part in leaf.facts["parts"])
    return names


def unlike_sealed(
    house: House, copy: Copy, *, sums: Mapping[tuple[str, str], str], kinds: Iterable[PartKind]
) -> Iterator[str]:
    """What is wrong with the parts of a sealed copy: bytes that are not there, or not those that the log names."""
    place = house.place(copy.place)
    keys = set(place.keyring.list_parts(copy.id))
    for part in (one for kind in kinds for one in list_parts(house, copy, kind=kind)):
        if part.key not in keys:
            yield "the key of a part is not there"
        yield from _unlike(house, copy, part, wanted=sums.get((copy.id, part.key)))


def _unlike(house: House, copy: Copy, part: Part, *, wanted: str | None) -> Iterator[str]:
    try:
        data = house.place(copy.place).store.get(part.path)
    except ObjectMissing:
        yield "the bytes of a part are not there"
        return
    except Refusal:
        return  # a place that this process may only write to (P25)
    if hashlib.sha256(data).hexdigest() != wanted:
        yield "a part is not the one that the log names"


def uncertified(house: House, copy: Copy, *, limit: datetime, purges: Mapping[str, Leaf]) -> Iterator[str]:
    """What is wrong with the end of a purged copy: certificate, its entry in the log, and what is still there."""
    try:
        document = read_certificate(house, copy.id)
    except UnknownName:
        yield "a purged copy has no certificate"
        return
    entry = purges.get(copy.id)
    if entry is None or entry.facts.get("certificate_sha256") != hashlib.sha256(document.encode()).hexdigest():
        yield "the log does not name this certificate"
    try:
        certificate = verify_certificate(document, house.keys.public(Role.WORKER))
    except ReadingroomError:
        yield "a certificate does not verify"
        return
    if certificate["copy"] != copy.id:
        yield "a certificate is another copy's"
    if parse_instant(certificate["purged_at"]) > limit:
        yield "a copy was purged too late"
    yield from _remains(house, copy, certificate)


def purge_entries(house: House) -> dict[str, Leaf]:
    """The log's entry of each finished purge, by copy."""
    return {leaf.copy: leaf for leaf in place_leaves(house, "copy.purged")}


def _remains(house: House, copy: Copy, certificate: Mapping[str, Any]) -> Iterator[str]:
    """List, read and open again what the certificate says is destroyed."""
    listed = certificate["destroyed"]["objects"]["listed"]
    objects = [StoredObject(o["path"], PartName(o["key"]), o["bytes"], o["sha256"], "deleted") for o in listed]
    try:
        probe(house.place(copy.place), copy, objects)
    except Fault:
        yield "bytes or keys of a purged copy are there"
