"""Every address of the room under requests that schemathesis makes up: nothing breaks, nothing leaks, nothing opens.

The description (OpenAPI) is made by the application itself from its routes; a session of each kind is tried, with its
page's token, so that the requests get past the guard and meet the routes' own code.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from readingroom.web.app import create_app
from readingroom.web.cookies import COOKIE

Room = Any  # conftest's; test folders are no packages
LEAKS = re.compile(r"Traceback|sqlalchemy|psycopg|sqlite3|readingroom/\w+\.py|File \"|/tmp/")
VISITORS = ("", "harbor", "Ada", "Cleo", "Dora", "Emil")
ENDINGS = re.compile(r"/sign-out|/sign-in/provider|/sign-in/callback|/sign-in/ended|opt-out")  # end what the rest needs
EXAMPLES = 3  # requests an address and visitor


@pytest.mark.parametrize("name", VISITORS)
def test_no_made_up_request_breaks_the_room(room: Room, name: str) -> None:
    client = room.client(name)
    headers = {"accept": "application/json", "origin": room.base}
    if name:
        headers |= {"cookie": f"{COOKIE}={client.cookies[COOKIE]}", "x-csrf": room.csrf(client)}
    seen: Counter[int] = Counter()
    wrong: list[str] = []
    app = create_app(room.root)
    app.state.house.close()
    for found in schemathesis.openapi.from_dict(app.openapi()).get_all_operations():
        operation = found.ok()
        if ENDINGS.search(operation.path):
            continue

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def probe(case: Any) -> None:
            answer = case.call(base_url=room.base, headers=headers, allow_redirects=False, timeout=30)
            seen[answer.status_code] += 1
            if answer.status_code >= 500 or LEAKS.search(answer.content.decode(errors="replace")):
                wrong.append(f"{case.method} {case.operation.path}: {answer.status_code}")
            if answer.headers.get("x-content-type-options") != ["nosniff"]:
                wrong.append(f"{case.method} {case.operation.path}: no headers")

        probe()
    assert wrong == []
    assert seen[200] >= (3 if name else 1)  # some got through
    assert seen[403] > 0  # and some did not
