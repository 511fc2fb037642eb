"""The preview before the opt-in: the customer's own data, before and after, in this answer and nowhere else (P01)."""

from __future__ import annotations

from threading import Lock

from starlette.requests import Request
from starlette.responses import Response

from readingroom.core.errors import WrongState
from readingroom.engagement.tenants import Tenant
from readingroom.house import House
from readingroom.sources import open_sources
from readingroom.web.guard import house_of
from readingroom.web.pages import page
from readingroom.web.permissions import Permission, declare
from readingroom.web.portal.router import router, tenant_of

_ONE_AT_A_TIME = Lock()  # a preview reads the whole export once: two would only be slower


@declare(router, "GET", "/portal/preview", Permission.CUSTOMER)
def preview_page(request: Request) -> Response:
    """What the preview is, and the button that makes it."""
    return page(request, "portal/preview.html", tenant=tenant_of(request), found=None)


@declare(router, "POST", "/portal/preview", Permission.CUSTOMER)
def preview(request: Request) -> Response:
    """Make it and show it in this answer; there is no address at which it could be seen again."""
    house, tenant = house_of(request), tenant_of(request)
    if not _ONE_AT_A_TIME.acquire(blocking=False):
        raise WrongState("a preview is being made: try again in a minute", reasons=("one at a time",))
    try:
        return _made(request, house, tenant)
    finally:
        _ONE_AT_A_TIME.release()


def _made(request: Request, house: House, tenant: Tenant) -> Response:
    from readingroom.copies.preview import preview_copy  # the engine takes a second to load, and no other page needs it

    found = preview_copy(house, tenant, lambda: open_sources(tenant.connection, house.clock.now()), actor="customer")
    return page(request, "portal/preview.html", tenant=tenant, found=found)
