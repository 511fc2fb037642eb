"""Which function looks for the evidence of which promise; one file per floor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from readingroom.assure.finding import Finding, not_yet
from readingroom.assure.promises import PROMISES
from readingroom.house import House


def _nothing(_house: House) -> Finding:
    return not_yet("nothing looks for this evidence")


LOOKS: Final[Mapping[str, Callable[[House], Finding]]] = MappingProxyType(dict.fromkeys(PROMISES, _nothing))
