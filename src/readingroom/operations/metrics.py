"""What a room can be watched by, for Prometheus: counts, ages and times; no tenant, person, copy or item is named.

Rule 1: labels are places, states, routes (as templates), methods and status codes: sets that the settings and the
        program give, never what somebody typed.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from time import perf_counter
from typing import Any, Final

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from typing_extensions import override

from readingroom.access.tables import VIEWS
from readingroom.audit.logs import events_of
from readingroom.copies.records import copies_in
from readingroom.copies.states import CopyState
from readingroom.copies.tables import COPIES
from readingroom.db.engines import EVERY_TENANT
from readingroom.house import House, Place
from readingroom.operations.findings import GRACE
from readingroom.operations.heartbeat import last_beat
from readingroom.operations.logs import log
from readingroom.operations.overdue import all_deadlines
from readingroom.review.tables import TASKS

_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER: Final = "other"


class RoomCollector(Collector):
    """Asks the room at each scrape: nothing is counted twice, and nothing is lost when a process ends."""

    def __init__(self, house: House) -> None:
        self.house = house

    @override
    def collect(self) -> Iterable[Metric]:
        """Every gauge of the room, as it is now."""
        yield from self._places()
        yield from self._room()

    def _places(self) -> Iterator[Metric]:
        copies = GaugeMetricFamily("readingroom_copies", "Copies by state.", labels=["place", "state"])
        oldest = GaugeMetricFamily("readingroom_oldest_copy_age_seconds", "Of sealed copies.", labels=["place"])
        overdue = GaugeMetricFamily("readingroom_purges_overdue", "Sealed copies past their purge.", labels=["place"])
        views = GaugeMetricFamily("readingroom_views", "Items and parts handed out, ever.", labels=["place"])
        tasks = GaugeMetricFamily("readingroom_tasks", "Review tasks by state.", labels=["place", "state"])
        for place in self.house.places.values():
            for state, count in _copies(place).items():
                copies.add_metric([place.name, state], count)
            age, late = self._ages(place)
            oldest.add_metric([place.name], age)
            overdue.add_metric([place.name], late)
            with place.db.read(EVERY_TENANT) as connection:
                views.add_metric([place.name], connection.scalar(select(func.count()).select_from(VIEWS)) or 0)
                found = connection.execute(select(TASKS.c.state, func.count()).group_by(TASKS.c.state)).all()
            for state, count in found:
                tasks.add_metric([place.name, state], count)
        yield from (copies, oldest, overdue, views, tasks)

    def _ages(self, place: Place) -> tuple[float, int]:
        now = self.house.clock.now()
        with place.db.read(EVERY_TENANT) as connection:
            sealed = copies_in(connection, state=CopyState.SEALED)
        ages = [(now - copy.created_at).total_seconds() for copy in sealed]
        return max(ages, default=0.0), sum(now > copy.purge_due for copy in sealed)

    def _room(self) -> Iterator[Metric]:
        pending = GaugeMetricFamily("readingroom_log_pending", "Events not in the log yet.", labels=["database"])
        for database in (self.house.db, *(place.db for place in self.house.places.values())):
            events = events_of(database)
            with database.read(EVERY_TENANT) as connection:
                waiting = select(func.count()).select_from(events).where(events.c.log_index.is_(None))
                pending.add_metric([database.name], connection.scalar(waiting) or 0)
        yield pending
        now = self.house.clock.now()
        late = sum(now - at > GRACE for at, _why in all_deadlines(self.house))
        yield _gauge("readingroom_overdue", "Deadlines of any kind that have passed.", late)
        last = last_beat(self.house.settings.root)
        age = (now - last.at).total_seconds() if last else float("inf")
        yield _gauge("readingroom_worker_age_seconds", "Since the worker's last round ended.", age)
        failed = len(last.failed) if last else 0
        yield _gauge("readingroom_worker_failed_duties", "Duties that failed in that round.", failed)
        usage = shutil.disk_usage(self.house.settings.root)
        yield _gauge("readingroom_disk_free_bytes", "Where the room lies.", usage.free)


class Latency:
    """ASGI middleware: how long each route takes, by its template, and a log line for each request."""

    def __init__(self, app: Any, histogram: Histogram) -> None:
        self.app = app
        self.histogram = histogram

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve, and measure."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 500

        async def watch(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        started = perf_counter()
        try:
            await self.app(scope, receive, watch)
        finally:
            spent = perf_counter() - started
            route = str(getattr(scope.get("route"), "path_format", None) or OTHER)
            method = scope["method"] if scope["method"] in _METHODS else OTHER
            self.histogram.labels(route, method, str(status)).observe(spent)
            log("request", route=route, method=method, status=status, ms=round(spent * 1000, 1))


def registry_of(house: House) -> tuple[CollectorRegistry, Histogram]:
    """A registry that asks `house`, and the histogram of its requests."""
    registry = CollectorRegistry()
    registry.register(RoomCollector(house))
    labels = ("route", "method", "status")
    return registry, Histogram("readingroom_request_seconds", "By route.", labels, registry=registry, buckets=_BUCKETS)


def render(registry: CollectorRegistry) -> bytes:
    """The text that Prometheus scrapes."""
    return generate_latest(registry)


def _copies(place: Place) -> dict[str, int]:
    with place.db.read(EVERY_TENANT) as connection:
        found = connection.execute(select(COPIES.c.state, func.count()).group_by(COPIES.c.state)).all()
    return {state.value: 0 for state in CopyState} | {str(row[0]): int(row[1]) for row in found}


def _gauge(name: str, text: str, value: float) -> Metric:
    found = GaugeMetricFamily(name, text)
    found.add_metric([], value)
    return found
