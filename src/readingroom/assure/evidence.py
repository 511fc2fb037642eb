"""Which function looks for the evidence of which promise; one file per floor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from readingroom.assure import (
    evidence_access,
    evidence_anonymize,
    evidence_copies,
    evidence_engagement,
    evidence_models,
    evidence_places,
    evidence_subjects,
)
from readingroom.assure.finding import Finding
from readingroom.house import House

# what is built, or can be seen from inside, is a part of these at most; every other promise has a breaking test
NEVER_KEPT: Final = frozenset({"P05", "P19", "P32", "P33", "P34"})

LOOKS: Final[Mapping[str, Callable[[House], Finding]]] = MappingProxyType(
    {
        "P01": evidence_engagement.notice,
        "P02": evidence_engagement.period,
        "P03": evidence_engagement.leaving,
        "P04": evidence_engagement.contact,
        "P05": evidence_engagement.nothing_else,
        "P06": evidence_engagement.termination,
        "P07": evidence_engagement.free,
        "P08": evidence_engagement.feedback,
        "P09": evidence_copies.ownership,
        "P10": evidence_subjects.register,
        "P11": evidence_copies.marketing,
        "P12": evidence_copies.queries,
        "P13": evidence_copies.schemas,
        "P14": evidence_anonymize.anonymized,
        "P15": evidence_copies.purge,
        "P16": evidence_copies.tags,
        "P17": evidence_places.geo,
        "P18": evidence_places.apart,
        "P19": evidence_places.not_shared,
        "P20": evidence_access.few,
        "P21": evidence_access.workstations,
        "P22": evidence_access.justified,
        "P23": evidence_access.purposes,
        "P24": evidence_places.schema_life,
        "P25": evidence_places.schema_place,
        "P26": evidence_anonymize.schema_names,
        "P27": evidence_access.subprocessors,
        "P28": evidence_access.eligible,
        "P29": evidence_access.watched,
        "P30": evidence_models.reviewed,
        "P31": evidence_models.no_data,
        "P32": evidence_models.better,
        "P33": evidence_models.new_models,
        "P34": evidence_subjects.requests,
        "P35": evidence_engagement.afterwards,
    }
)
