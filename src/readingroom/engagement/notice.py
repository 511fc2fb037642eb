"""Notices: published once each, numbered, kept word for word, and named by their SHA-256 in every receipt (P01)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from importlib import resources

from sqlalchemy import Connection, RowMapping, insert, select

from readingroom.audit.unit import Event, unit_of_work
from readingroom.core.errors import Refusal, UnknownName
from readingroom.db.engines import EVERY_TENANT
from readingroom.engagement.mirror import refresh
from readingroom.engagement.notice_form import Form, check_kept, parse_notice
from readingroom.engagement.tables import NOTICES
from readingroom.house import House


@dataclass(frozen=True)
class Notice:
    """One published version."""

    version: int
    sha256: str
    text: str  # the TOML, word for word
    form: Form
    published_at: datetime


def template() -> bytes:
    """The notice that ships with Readingroom, in our own words and no vendor's."""
    return resources.files("readingroom.engagement").joinpath("notice_template.toml").read_bytes()


def publish_notice(house: House, data: bytes | None = None, *, actor: str) -> Notice:
    """Publish a notice (the shipped one if None) as the next version.

    UsageError naming the section if one is missing, or if the room keeps data longer than the notice says. The very
    words of an earlier version are not published again: that version is the answer. Where it allows more than a
    customer agreed to, that customer's new copies stop until it is accepted, in every place from here on (P01).
    """
    published = _publish(house, data, actor=actor)
    refresh(house)
    return published


def _publish(house: House, data: bytes | None, *, actor: str) -> Notice:
    text = template() if data is None else data
    form = parse_notice(text)
    check_kept(form, house.settings.limits)
    sha256 = hashlib.sha256(text).hexdigest()
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        rows = unit.connection.execute(select(NOTICES).order_by(NOTICES.c.version)).mappings().all()
        for row in rows:
            if row["sha256"] == sha256:
                return _notice(row)
        version = len(rows) + 1
        words = text.decode("utf-8")
        values = {"sha256": sha256, "text": words, "published_by": actor}
        unit.connection.execute(insert(NOTICES).values(**values, version=version, published_at=unit.at))
        facts = {"version": version, "sha256": sha256, "purposes": [purpose.id for purpose in form.purposes]}
        unit.append(Event("notice.published", actor=actor, facts=facts))
        return Notice(version, sha256, words, form, unit.at)


def latest_notice(house: House) -> Notice:
    """The newest notice; Refusal if none has been published."""
    with house.db.read(EVERY_TENANT) as connection:
        return read_latest(connection)


def read_latest(connection: Connection) -> Notice:
    """The newest notice, read in an open transaction of the room's database; Refusal if there is none."""
    row = connection.execute(select(NOTICES).order_by(NOTICES.c.version.desc()).limit(1)).mappings().first()
    if row is None:
        raise Refusal("no notice has been published", reasons=("a notice comes before every opt-in (P01)",))
    return _notice(row)


def get_notice(house: House, version: int) -> Notice:
    """The notice of that version, word for word; UnknownName if there is none."""
    with house.db.read(EVERY_TENANT) as connection:
        return read_notice(connection, version)


def read_notice(connection: Connection, version: int) -> Notice:
    """The notice of that version, read in an open transaction of the room's database; UnknownName if there is none."""
    row = connection.execute(select(NOTICES).where(NOTICES.c.version == version)).mappings().first()
    if row is None:
        raise UnknownName(f"no notice of version {version}")
    return _notice(row)


def list_notices(house: House) -> list[Notice]:
    """Every version, oldest first."""
    with house.db.read(EVERY_TENANT) as connection:
        rows = connection.execute(select(NOTICES).order_by(NOTICES.c.version)).mappings().all()
    return [_notice(row) for row in rows]


def _notice(row: RowMapping) -> Notice:
    text: str = row["text"]
    return Notice(row["version"], row["sha256"], text, parse_notice(text.encode("utf-8")), row["published_at"])
