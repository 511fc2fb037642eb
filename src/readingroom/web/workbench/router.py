"""What the workbench's files share: their router, what the page sends, the reviewer's grant, the frames that wait."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request

from readingroom.access.grants import Grant, active_grants
from readingroom.core.errors import AccessDenied
from readingroom.web.guard import house_of, session_of
from readingroom.web.workbench.frames import Frames

router = APIRouter()


class Held(BaseModel):
    """Which items the page has on the screen or fetched ahead."""

    held: list[str] = Field(default_factory=list, max_length=8)


class Said(BaseModel):
    """What the reviewer says about one item."""

    item: str = Field(max_length=64)
    answer: str = Field(max_length=16)
    dwell_ms: int = Field(default=0, ge=0)


class Undone(BaseModel):
    """Which label is taken back; only the reviewer's last one can be."""

    item: str = Field(max_length=64)


def grant_of(request: Request, grant: str) -> Grant:
    """The reviewer's own grant of that id, active now."""
    mine = active_grants(house_of(request), session_of(request).who.person)
    found = next((one for one in mine if one.id == grant), None)
    if found is None:
        raise AccessDenied("this grant is not yours, or not active any more; ask for a new one at /work")
    return found


def frames_of(request: Request) -> Frames:
    """The frames that wait in this process."""
    frames = request.app.state.frames
    if not isinstance(frames, Frames):
        raise TypeError("the application has no frames")
    return frames
