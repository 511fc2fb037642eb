"""Comments on a label: anonymized before they are stored, by the engine's strict profile, or refused.

Rule 1: whoever types a comment may type what they read; only public words stay, and no name, form or rare word.
Rule 2: the keys are made for one comment and thrown away: what is masked can be linked to nothing.
"""

from __future__ import annotations

import secrets
from typing import Final

from readingroom.core.errors import UsageError

COMMENT_LIMIT: Final = 500


def clean_comment(text: str) -> str:
    """The comment as it may be stored; UsageError if it is too long, a Fault (and no label) if the engine fails."""
    if not text.strip():
        return ""
    if len(text) > COMMENT_LIMIT:
        raise UsageError(f"a comment has at most {COMMENT_LIMIT} characters")
    # the engine takes a second to load, and hardly any label has a comment
    import pyarrow as pa

    from readingroom.anonymize.known import KnownBuilder
    from readingroom.anonymize.pseudonyms import Pseudonyms
    from readingroom.anonymize.rare import public_only
    from readingroom.anonymize.texts import TextEngine

    tags, names = secrets.token_bytes(32), secrets.token_bytes(32)
    nobody = KnownBuilder(tags, names).build()
    engine = TextEngine(nobody, public_only(), Pseudonyms(names), tags, profile="strict")
    cells = engine.rewrite(pa.array([text.strip()], pa.large_string()), markup="plain").cells
    return str(cells[0].as_py())
