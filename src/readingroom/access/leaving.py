"""What ends when a person leaves or a workstation is retired: at once, and in one transaction (P29)."""

from __future__ import annotations

from sqlalchemy import select

from readingroom.access.grant_states import GrantState
from readingroom.access.grants import grants_in, revoke_in
from readingroom.access.people import Person, actor_name, mark_left, read_person
from readingroom.access.sessions import end_sessions
from readingroom.access.tables import WORKSTATIONS
from readingroom.access.workstations import Workstation, mark_retired, read_workstation
from readingroom.audit.unit import unit_of_work
from readingroom.core.ids import PersonId, WorkstationId
from readingroom.db.engines import EVERY_TENANT
from readingroom.house import House


def leave(house: House, person: PersonId, *, by: PersonId | None = None) -> Person:
    """A person leaves: their requests and grants, sessions and workstations end with it."""
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        actor = actor_name(unit.connection, by, house)
        mark_left(unit, read_person(unit.connection, person), actor=actor)
        for grant in grants_in(unit.connection, EVERY_TENANT, person=person, now=unit.at):
            if grant.state in {GrantState.REQUESTED, GrantState.APPROVED}:
                revoke_in(unit, grant, actor=actor, reason="left")
        mine = select(WORKSTATIONS.c.id).where(WORKSTATIONS.c.person == person, WORKSTATIONS.c.retired_at.is_(None))
        for workstation in unit.connection.execute(mine).scalars().all():
            mark_retired(unit, read_workstation(unit.connection, WorkstationId(workstation)), actor=actor)
        end_sessions(unit, person=person, actor=actor)
        return read_person(unit.connection, person)


def retire_workstation(house: House, workstation: WorkstationId, *, by: PersonId | None = None) -> Workstation:
    """Retire a workstation; its sessions end, and nothing opens from it again."""
    with unit_of_work(house.db, EVERY_TENANT, house.clock) as unit:
        actor = actor_name(unit.connection, by, house)
        mark_retired(unit, read_workstation(unit.connection, workstation), actor=actor)
        end_sessions(unit, workstation=workstation, actor=actor)
        return read_workstation(unit.connection, workstation)
