"""The admin port: /healthz, /readyz, /metrics, for the machine's own monitoring; never beside the pages.

Rule 1: it listens on an address of its own (loopback by default), asks nobody who they are, and tells nothing but
        words and numbers of the program's own.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from readingroom.audit.logs import events_of
from readingroom.core.errors import ReadingroomError
from readingroom.db.engines import EVERY_TENANT, Database
from readingroom.house import House
from readingroom.operations.findings import Weight, check_beat, check_disk
from readingroom.operations.heartbeat import last_beat
from readingroom.operations.metrics import render


def admin_app(house: House, registry: CollectorRegistry) -> Starlette:
    """The three pages over one house."""

    def live(_request: Request) -> Response:
        """The process answers."""
        return PlainTextResponse("ok\n")

    def ready(_request: Request) -> Response:
        """Whether pages can be served and duties are done: databases, disk, worker."""
        states = readiness(house)
        return JSONResponse(states, status_code=200 if set(states.values()) == {"ok"} else 503)

    def metrics(_request: Request) -> Response:
        """What Prometheus scrapes; 503 while the room cannot be asked."""
        try:
            return Response(render(registry), media_type=CONTENT_TYPE_LATEST)
        except ReadingroomError as error:
            return PlainTextResponse(f"{type(error).__name__}\n", status_code=503)

    return Starlette(routes=[Route("/healthz", live), Route("/readyz", ready), Route("/metrics", metrics)])


def readiness(house: House) -> dict[str, str]:
    """`ok` or what is wrong, by part: each database, the disk, the worker."""
    databases = (house.db, *(place.db for place in house.places.values()))
    states = {f"database {database.name}": _answers(database) for database in databases}
    usage = shutil.disk_usage(house.settings.root)
    full = any(one.weight is Weight.FAULT for one in check_disk(usage.free, usage.total, where=""))
    last = last_beat(house.settings.root)
    still = check_beat(house.clock.now(), last.at if last else None)
    return states | {"disk": "full" if full else "ok", "worker": "silent" if still else "ok"}


@contextmanager
def served(house: House, registry: CollectorRegistry, *, host: str, port: int) -> Iterator[None]:
    """Serve the admin port in a thread of this process for as long as the block lasts."""
    config = uvicorn.Config(admin_app(house, registry), host=host, port=port, log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="admin", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def _answers(database: Database) -> str:
    try:
        with database.read(EVERY_TENANT) as connection:
            connection.execute(select(events_of(database).c.id).limit(1)).all()  # reads the file: `SELECT 1` would not
    except ReadingroomError as error:
        return type(error).__name__
    return "ok"
