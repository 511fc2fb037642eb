"""The workstation proves itself: its browser signs a challenge with a key that it holds and cannot give away (P21).

Rule: a session without a proved workstation opens no item; the proof moves the session to a new token.
"""

from __future__ import annotations

import base64
import binascii

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from readingroom.access.sessions import move_session
from readingroom.access.workstations import check_proof, find_workstation, make_challenge, message_to_sign
from readingroom.core.errors import AccessDenied, UsageError
from readingroom.core.ids import WorkstationId
from readingroom.web.cookies import give_session
from readingroom.web.guard import house_of, session_of
from readingroom.web.pages import page
from readingroom.web.permissions import Permission, declare

router = APIRouter()


class Asked(BaseModel):
    """Which workstation wants to prove itself: its name or its id."""

    workstation: str = Field(max_length=64)


class Answer(BaseModel):
    """A challenge and what the device signed (base64url, Ed25519 over the challenge's message)."""

    workstation: str = Field(max_length=64)
    challenge: str = Field(max_length=128)
    signature: str = Field(max_length=128)


@declare(router, "GET", "/work/device", Permission.STAFF)
def prove(request: Request) -> Response:
    """Where a workstation's key is put in once, and used from then on."""
    return page(request, "workbench/device.html", workstation=session_of(request).who.workstation)


@declare(router, "POST", "/work/device/challenge", Permission.STAFF)
def challenge(request: Request, asked: Asked) -> Response:
    """A challenge for one of the visitor's own workstations."""
    house = house_of(request)
    found = find_workstation(house, asked.workstation)
    if found.person != session_of(request).who.person:
        raise AccessDenied("that workstation is not yours, or not fit for use (P21)")
    token = make_challenge(house, found.id)
    message = message_to_sign(house, token).decode("ascii")
    return JSONResponse({"workstation": found.id, "challenge": token, "message": message})


@declare(router, "POST", "/work/device/proof", Permission.STAFF)
def proof(request: Request, answer: Answer) -> Response:
    """Check the signature, and go on with a session that is bound to the workstation."""
    house = house_of(request)
    try:
        signature = base64.b64decode(answer.signature, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise UsageError("a signature is 64 bytes in base64url") from None
    found = check_proof(house, WorkstationId(answer.workstation), challenge=answer.challenge, signature=signature)
    token = move_session(house, session_of(request), found.id)
    response = JSONResponse({"workstation": found.id})
    give_session(request, response, token)
    return response
