"""The duties of the role `subjects`: finish erasures and flags, answer what the portal took, act on deletions (P34)."""

from __future__ import annotations

from readingroom.copies.triggers import open_triggers
from readingroom.core.errors import KeyFault
from readingroom.core.ids import RequestId, new_id
from readingroom.engagement.tenants import list_tenants
from readingroom.house import House
from readingroom.subjects.asks import answer_asked
from readingroom.subjects.erase import erase_tags, resume_erasures
from readingroom.subjects.flagged import remove_flagged


def carry_out(house: House) -> list[str]:
    """One round; what was done, a line each."""
    done = [f"finished request {request}" for request in resume_erasures(house)]
    done += answer_asked(house)
    done += remove_flagged(house)
    for tenant in list_tenants(house):
        triggers = open_triggers(house, tenant.name)
        if not triggers:
            continue
        request = RequestId(new_id("trigger"))
        try:
            erase_tags(house, tenant, {one.tag: one.kind for one in triggers}, request=request)
        except KeyFault:
            continue  # the tenant's tag key went with its last copy: there is nothing left to erase from
        done.append(f"{len(triggers)} deletions at the source of {tenant.name} erased ({request})")
    return done
