"""The tenant's own logs, to be verified in the browser or taken home (P10): checkpoint, entries, all of it as a zip.

Rule: every answer is of one signed head: the entries and tiles given out are those that this head covers.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from typing import IO, cast

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from readingroom.audit.checkpoint import Checkpoint, verifier_key
from readingroom.audit.logs import Log, tenant_log
from readingroom.audit.proofs import write_proof
from readingroom.audit.sequencer import read_head
from readingroom.audit.tiles import CHECKPOINT, ENTRIES, WIDTH, Tiles, pack, read_bytes, shape, tile_path
from readingroom.core.canonical import canonical
from readingroom.core.errors import UnknownName
from readingroom.engagement import optin
from readingroom.engagement.tenants import Tenant
from readingroom.house import House
from readingroom.keys.roles import Role
from readingroom.web.guard import house_of
from readingroom.web.pages import page
from readingroom.web.permissions import Permission, declare
from readingroom.web.portal.register import last_look, looks, openings, recent_events
from readingroom.web.portal.router import router, tenant_of

_HOW = """This is the whole log of what happened with your data, as a Merkle tree of the form C2SP tlog-tiles.

  PLACE/checkpoint       the signed head: how many lines, and one hash over all of them
  PLACE/tile/entries/    the lines themselves, JSON, each after its length in two bytes
  PLACE/tile/0, 1, ...   the hashes of the tree
  PLACE/key              the log's public key; your receipts name it, too: compare them
  proofs/                for each step of your engagement a c2sp.org/tlog-proof@v1, one file enough for itself
  receipts/              your signed receipts; each quotes the checkpoint of its time

Any software that reads C2SP tlog-tiles verifies it; docs/verifying.md shows one that is not ours.
Keep the checkpoint: with it you find out later whether a line that was there has been taken away or changed.
"""


def logs_of(house: House, tenant: Tenant) -> dict[str, Log]:
    """The logs that hold something of this tenant's, by the word that addresses use."""
    found = {}
    for word, place in (("data", tenant.place), ("schema", house.settings.schema_place)):
        if place in house.places:
            log = tenant_log(house, place, tenant=tenant.name)
            if read_bytes(log.directory, CHECKPOINT) is not None:
                found[word] = log
    return found


@declare(router, "GET", "/portal/views", Permission.CUSTOMER)
def views(request: Request) -> Response:
    """Who saw what: actor, employer, country, purpose, how many, when; the browser counts it again from the log."""
    house, tenant = house_of(request), tenant_of(request)
    seen = looks(house, tenant)
    items = [one for one in seen if one.name == "item.viewed"]
    public = house.keys.public(Role.WORKER)
    return page(
        request,
        "portal/views.html",
        looks=seen,
        openings=openings(house, tenant),
        events=recent_events(house, tenant),
        items=sum(one.count for one in items),
        people=len({one.actor for one in items}),
        last_look=last_look(house, tenant),
        logs={word: verifier_key(log.origin, public) for word, log in logs_of(house, tenant).items()},
    )


@declare(router, "GET", "/portal/log/{which}/checkpoint", Permission.CUSTOMER)
def checkpoint(request: Request, which: str) -> Response:
    """The signed head of one of the tenant's logs."""
    _log, _head, note = _open(request, which)
    return Response(note, media_type="text/plain; charset=utf-8")


@declare(router, "GET", "/portal/log/{which}/entries/{index}", Permission.CUSTOMER)
def entries(request: Request, which: str, *, index: int, size: int) -> Response:
    """A bundle of up to 256 lines of the log, as the tree of `size` has it."""
    log, head, _note = _open(request, which)
    if not 0 < size <= head.size or not 0 <= index <= (size - 1) // WIDTH:
        raise UnknownName("there is no such bundle")
    return Response(pack(Tiles(log.directory, size).bundle(index)), media_type="application/octet-stream")


@declare(router, "GET", "/portal/log.zip", Permission.CUSTOMER)
def take_home(request: Request) -> Response:
    """Both logs, proofs and receipts as one file, for whoever verifies without us."""
    house, tenant = house_of(request), tenant_of(request)
    headers = {"Content-Disposition": f"attachment; filename={tenant.name}-log.zip"}
    return StreamingResponse(_zip(house, tenant), media_type="application/zip", headers=headers)


def _open(request: Request, which: str) -> tuple[Log, Checkpoint, str]:
    house = house_of(request)
    log = logs_of(house, tenant_of(request)).get(which)
    if log is None:
        raise UnknownName("there is no such log")
    return log, *read_head(log.directory, log.origin, house.keys.public(Role.WORKER))


class _Pipe:
    """Where the zip writes to, and the answer reads from: a file that cannot seek, and nothing of it is kept."""

    def __init__(self) -> None:
        self.waiting = bytearray()

    def write(self, data: bytes) -> int:
        """Take what the zip has ready."""
        self.waiting += data
        return len(data)

    def flush(self) -> None:
        """There is nothing behind it."""

    def take(self) -> bytes:
        """What was written since the last time."""
        found = bytes(self.waiting)
        self.waiting.clear()
        return found


def _zip(house: House, tenant: Tenant) -> Iterator[bytes]:
    pipe = _Pipe()
    stamp = house.clock.now().timetuple()[:6]
    with zipfile.ZipFile(cast("IO[bytes]", pipe), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in _files(house, tenant):
            archive.writestr(zipfile.ZipInfo(name, stamp), data, zipfile.ZIP_DEFLATED)
            yield pipe.take()
    yield pipe.take()


def _files(house: House, tenant: Tenant) -> Iterator[tuple[str, bytes]]:
    public = house.keys.public(Role.WORKER)
    yield "README.txt", _HOW.encode()
    for number, document in enumerate(optin.receipts(house, tenant.name), start=1):
        yield f"receipts/{number}.json", canonical(document)
    for log in logs_of(house, tenant).values():
        head, note = read_head(log.directory, log.origin, public)
        tiles = Tiles(log.directory, head.size)
        yield f"{log.place}/{CHECKPOINT}", note.encode()
        yield f"{log.place}/key", f"{verifier_key(log.origin, public)}\n".encode()
        for level, full, width in shape(head.size):
            for index in range(full + bool(width)):
                size = WIDTH if index < full else width
                yield f"{log.place}/{tile_path(level, index, size)}", tiles.tile(level, index)
                if level == 0:
                    yield f"{log.place}/{tile_path(ENTRIES, index, size)}", pack(tiles.bundle(index))
        for number, entry in enumerate(tiles.entries()):
            if str(json.loads(entry)["name"]).startswith("engagement."):
                proof = write_proof(log.directory, number, origin=log.origin, public=public)
                yield f"proofs/{log.place}-{number}.tlog-proof", proof.encode()
