"""Every deadline of a room, from all who keep one: for the doctor and the metrics."""

from __future__ import annotations

from datetime import datetime

from readingroom.access.grants import deadlines as grant_deadlines
from readingroom.copies.purge import purge_deadlines
from readingroom.engagement.optin import deadlines as engagement_deadlines
from readingroom.house import House
from readingroom.review.flag import deadlines as flag_deadlines
from readingroom.subjects.requests import deadlines as request_deadlines


def all_deadlines(house: House) -> list[tuple[datetime, str]]:
    """When something is due by itself, and what it is; those that have passed stand here until somebody acted."""
    found = [*purge_deadlines(house), *engagement_deadlines(house), *grant_deadlines(house)]
    return sorted([*found, *request_deadlines(house), *flag_deadlines(house)])
