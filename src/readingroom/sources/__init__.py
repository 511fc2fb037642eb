"""Where data comes from: Synapse Link, interaction blobs, activity log, entity definitions (P11, P12, P13).

`open_sources(connection, now)` gives a `SourceSet`: `scan` pins and checks everything, `tables` says what is readable,
`read` gives the current rows as Arrow batches, `former` those that are not, `deletions` what was deleted at the source.
"""

from readingroom.sources.model import (
    AllowList,
    Column,
    Finding,
    Outcome,
    PinnedFile,
    ScanReport,
    TableCount,
    TableInfo,
)
from readingroom.sources.source_set import SourceSet, detect, open_sources

__all__ = [
    "AllowList",
    "Column",
    "Finding",
    "Outcome",
    "PinnedFile",
    "ScanReport",
    "SourceSet",
    "TableCount",
    "TableInfo",
    "detect",
    "open_sources",
]
