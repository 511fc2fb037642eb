"""The web process: three faces and an API over one house, opened in the role `web`.

Rule 2: a room that is not a simulation refuses to serve until an identity provider is configured; links do not open it.
Rule: every answer has the headers of `security`; errors show our own words only.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from readingroom import __version__
from readingroom.bootstrap import open_house
from readingroom.core.errors import BadSetting, ReadingroomError, TooFast, http_status
from readingroom.keys.roles import Role
from readingroom.web import device, entrance, signing_in
from readingroom.web.desk import routes as desk
from readingroom.web.guard import SignInNeededError
from readingroom.web.pace import Pace
from readingroom.web.pages import page
from readingroom.web.permissions import SAFE
from readingroom.web.portal import routes as portal
from readingroom.web.provider import Provider
from readingroom.web.security import headers_for
from readingroom.web.workbench import routes as workbench
from readingroom.web.workbench.frames import Frames

_HERE = Path(__file__).parent
_LOG = logging.getLogger("readingroom.web")
LONGEST_BODY: Final = 512 * 1024
FRAMES: Final = ("/work/frame/", "/desk/frame/")


def create_app(root: Path) -> FastAPI:
    """The application over the room at `root`; BadSetting where nobody could sign in safely."""
    with ExitStack() as opened:
        house = opened.enter_context(closing(open_house(root, Role.WEB)))
        configured = house.settings.identity_provider
        if not house.settings.simulation and not configured:
            raise BadSetting(
                "room.toml: [identity_provider] is empty; a room with real data is not served until people can sign in"
            )
        provider = Provider.of_settings(configured, root) if configured else None
        opened.pop_all()  # from here on the application's own: whoever does not serve it closes `app.state.house`

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            house.close()

    app = FastAPI(
        title="Readingroom", version=__version__, docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan
    )
    app.state.house = house
    app.state.provider = provider
    app.state.frames = Frames()
    app.state.pace = Pace()
    app.middleware("http")(_fence)
    app.add_exception_handler(ReadingroomError, _answer_error)
    app.add_exception_handler(RequestValidationError, _answer_bad_request)
    app.add_exception_handler(HTTPException, _answer_http)
    for face in (signing_in, entrance, device, portal, workbench, desk):
        app.include_router(face.router)
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")
    return app


async def _fence(request: Request, handle: Callable[[Request], Awaitable[Response]]) -> Response:
    """The outermost step: nothing comes in that is too long, nothing goes out without its headers."""
    path = request.url.path
    streamed = request.method not in SAFE and "transfer-encoding" in request.headers
    length = request.headers.get("content-length", "" if streamed else "0")  # neither: there is no body
    if not length.isdecimal() or int(length) > LONGEST_BODY:
        response = _problem(request, 413, "the request is too long, or does not say how long it is")
    else:
        try:
            request.app.state.pace.check(request)
            response = await handle(request)
        except TooFast as error:
            response = _problem(request, http_status(error), str(error))
            response.headers["Retry-After"] = str(error.seconds)
        except Exception as error:  # noqa: BLE001 - the last fence: a foreign error may carry a cell in its text
            response = _answer_fault(request, error)
    for name, value in headers_for(path, frame=path.startswith(FRAMES)).items():
        response.headers[name] = value
    return response


async def _answer_error(request: Request, error: Exception) -> Response:
    if isinstance(error, SignInNeededError) and request.method == "GET" and _wants_page(request):
        return RedirectResponse("/sign-in", status_code=303)
    reasons = list(getattr(error, "reasons", ()))
    return _problem(request, http_status(error), str(error), reasons=reasons)


async def _answer_bad_request(request: Request, _error: Exception) -> Response:
    # the foreign text repeats what was sent, so it is not shown
    return _problem(request, 400, "the request lacks something, or something in it has the wrong form")


async def _answer_http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    words = {404: "there is no such page", 405: "this page does not take that kind of request"}
    return _problem(request, status, words.get(status, "the request cannot be answered"))


def _answer_fault(request: Request, error: Exception) -> Response:
    kind = type(error).__name__
    where = traceback.extract_tb(error.__traceback__)[-1]
    _LOG.error("%s at %s:%s", kind, Path(where.filename).name, where.lineno)  # where, and never what
    return _problem(request, 500, f"something is broken ({kind}); nothing was half-done")


def _problem(request: Request, status: int, detail: str, *, reasons: Sequence[str] = ()) -> Response:
    if not _wants_page(request):
        return JSONResponse({"status": status, "detail": detail, "reasons": reasons}, status_code=status)
    if not hasattr(request.state, "session"):
        request.state.session = None
    return page(request, "problem.html", status, detail=detail, reasons=reasons, code=status)


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/")
