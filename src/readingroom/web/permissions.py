"""Who may use a route: every route declares one permission, and the guard checks it before the route's code runs.

Rule 2, default deny: `declare` is the only way to add a route, a permission is an argument without a default, and an
architecture test walks the application for routes that came another way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from fastapi import APIRouter, Depends

from readingroom.web.guard import Guard, Permission

__all__ = ["DECLARED", "SAFE", "Permission", "declare"]

SAFE: Final = frozenset({"GET", "HEAD"})


DECLARED: dict[tuple[str, str], Permission] = {}


def declare(  # noqa: PLR0917 - reads like the route it declares
    router: APIRouter, method: str, path: str, permission: Permission
) -> Callable[[Any], Any]:
    """Add the decorated function as the route `method path` for `permission`; changes also need a page's own token."""

    def add(function: Any) -> Any:
        DECLARED[method, path] = permission
        router.add_api_route(
            path,
            function,
            methods=[method],
            dependencies=[Depends(Guard(permission, changes=method not in SAFE))],
            include_in_schema=True,
            response_model=None,
        )
        return function

    return add
