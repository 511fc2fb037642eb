"""`readingroom serve` and `readingroom worker`: the two long-running processes of a room."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Annotated

import typer

from readingroom.access.people import PersonRole, list_people
from readingroom.access.sessions import Who, create_link
from readingroom.cli.access import workstation_of
from readingroom.cli.act import house, root_of
from readingroom.cli.show import AsJson, answer
from readingroom.core.ids import WorkstationId
from readingroom.engagement.contact import administrators
from readingroom.engagement.tenants import list_tenants
from readingroom.house import House
from readingroom.keys.roles import Role
from readingroom.operations.logs import configure_logs, log
from readingroom.worker import run_round

ROUND_SECONDS = 60.0
SIMULATION_SECONDS = 5.0
LogJson = Annotated[
    bool, typer.Option("--log-json", help="Log to standard error, a JSON object a line, without any personal value.")
]


def add_to(app: typer.Typer) -> None:
    """Add both commands to the main application."""

    @app.command("serve")
    def serve(
        ctx: typer.Context,
        host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
        port: Annotated[int, typer.Option(help="The port.")] = 8800,
        admin_port: Annotated[
            int, typer.Option(help="Also serve /healthz, /readyz and /metrics, on this port of 127.0.0.1; 0: do not.")
        ] = 0,
        log_json: LogJson = False,
    ) -> None:
        """Serve the pages; in a simulation room, with a sign-in link for each kind of user."""
        if log_json:
            configure_logs()
        serve_room(root_of(ctx), house(ctx, Role.WEB), host=host, port=port, admin_port=admin_port)

    @app.command("worker")
    def worker(
        ctx: typer.Context,
        once: Annotated[bool, typer.Option("--once", help="One round of duties, then stop.")] = False,
        every: Annotated[float, typer.Option(min=1, help="Seconds between two rounds.")] = ROUND_SECONDS,
        log_json: LogJson = False,
        as_json: AsJson = False,
    ) -> None:
        """Do the duties that come with time: recover, end, purge, expire, answer, write the log."""
        if log_json:
            configure_logs()
        stop = threading.Event()
        while True:
            found = run_round(root_of(ctx))
            log("round", role=Role.WORKER.value, count=len(found.done), failed=len(found.failed))
            lines = [*found.done, *(f"FAILED {line}" for line in found.failed)]
            value = {"done": list(found.done), "failed": list(found.failed)}
            if not log_json:
                answer(value, as_json=as_json, text="\n".join(lines) or "nothing was due")
            if once:
                raise typer.Exit(1 if found.failed else 0)
            stop.wait(every)


def serve_room(root: Path, opened: House, *, host: str, port: int, admin_port: int = 0) -> None:
    """Serve until interrupted; what monitoring asks is answered on a port of its own."""
    import uvicorn

    from readingroom.operations.admin import served
    from readingroom.operations.metrics import Latency, registry_of
    from readingroom.web.app import create_app

    app = create_app(root)
    signal.signal(signal.SIGTERM, _leave)  # uvicorn raises it again when it has closed: what is beside it ends, too
    with closing(app.state.house):
        registry, requests = registry_of(opened)
        app.add_middleware(Latency, histogram=requests)
        admin = served(opened, registry, host="127.0.0.1", port=admin_port) if admin_port else nullcontext()
        if opened.settings.simulation:
            for who, link in sign_in_links(opened, f"http://{host}:{port}"):
                typer.echo(f"  {who:<34} {link}")
        with _worker_beside(root) if opened.settings.simulation else nullcontext(), admin:
            typer.echo(f"serving {opened.settings.name} on http://{host}:{port} (Ctrl-C stops)")
            uvicorn.run(app, host=host, port=port, log_config=None, access_log=False, server_header=False)


def _leave(*_: object) -> None:
    raise SystemExit(0)


@contextmanager
def _worker_beside(root: Path) -> Iterator[None]:
    """A worker in a process of its own for as long as the pages are served, so that a switch turned off is followed."""
    code = "from readingroom.cli.main import run; run()"
    command = [sys.executable, "-c", code, "-C", str(root), "worker", "--every", str(SIMULATION_SECONDS)]
    worker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - ourselves
    try:
        yield
    finally:
        worker.terminate()
        worker.wait()


def sign_in_links(opened: House, base: str) -> list[tuple[str, str]]:
    """A single-use link for each customer's administrator and for one person of each role; simulation rooms only."""
    links: list[tuple[str, str]] = []
    for tenant in list_tenants(opened):
        for address in list(administrators(opened, tenant.name).values())[:1]:
            token = create_link(opened, Who.customer(tenant.name, address))
            links.append((f"administrator of {tenant.name}", f"{base}/sign-in/{token}"))
    for role in PersonRole:
        person = next((p for p in list_people(opened) if role in p.roles and p.left_at is None), None)
        if person is not None:
            station = workstation_of(opened, person.id) or WorkstationId("")
            token = create_link(opened, Who.staff(person.id, station))
            links.append((f"{role.value} ({person.name})", f"{base}/sign-in/{token}"))
    return links
