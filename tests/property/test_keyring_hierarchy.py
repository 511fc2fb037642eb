"""Whatever is made and destroyed in whatever order: a part is readable iff it lives and the role is a recipient."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from typing_extensions import override

from readingroom.core.errors import KeyFault
from readingroom.core.ids import CopyId, PartName, PlaceName, TenantName
from readingroom.keys.keyring import Keyring
from readingroom.keys.roles import Role, RoleKeys

_PLACE = PlaceName("us")
_TENANTS = st.sampled_from([TenantName("fictional"), TenantName("imaginary")])
_RETENTION = st.sampled_from(["data", "schema"])
_DAYS = st.sampled_from(["2026-11-23", "2026-11-24"])
_COPIES = st.sampled_from([CopyId(f"cp-{n}") for n in range(4)])
_PARTS = st.sampled_from([PartName(name) for name in ("p-00001", "p-00002", "tags-00001", "links-00001")])
_DESTROYERS = st.sampled_from([Role.COPY, Role.SUBJECTS, Role.WORKER])
_MAY_OPEN = {
    "p": {Role.COPY, Role.WEB, Role.SUBJECTS},
    "tags": {Role.COPY, Role.SUBJECTS},
    "links": {Role.COPY, Role.SUBJECTS},
}


class Hierarchy(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        RoleKeys.create_all(self.folder / "roles")
        Keyring.create(self.folder / "keyring", _PLACE)
        self.rings = {
            role: Keyring.load(self.folder / "keyring", _PLACE, RoleKeys.load(self.folder / "roles", role))
            for role in Role
        }
        self.copies: dict[CopyId, tuple[TenantName, str, str]] = {}
        self.parts: dict[tuple[CopyId, PartName], bytes] = {}
        self.gone: set[bytes] = set()

    @rule(copy=_COPIES, tenant=_TENANTS, retention=_RETENTION, day=_DAYS)
    def create_copy(self, copy: CopyId, tenant: TenantName, retention: str, day: str) -> None:
        if copy in self.copies:
            with pytest.raises(KeyFault):
                self.rings[Role.COPY].create_copy(copy, tenant, retention, day)
        else:
            self.rings[Role.COPY].create_copy(copy, tenant, retention, day)
            self.copies[copy] = (tenant, retention, day)

    @rule(tenant=_TENANTS, retention=_RETENTION, day=_DAYS)
    def create_epoch(self, tenant: TenantName, retention: str, day: str) -> None:
        self.rings[Role.COPY].create_epoch(tenant, retention, day)

    @rule(copy=_COPIES, part=_PARTS, role=st.sampled_from([Role.COPY, Role.SUBJECTS]))
    def new_part(self, copy: CopyId, part: PartName, role: Role) -> None:
        if copy not in self.copies or (copy, part) in self.parts:
            with pytest.raises(KeyFault):
                self.rings[role].new_part_key(copy, part)
        else:
            self.parts[copy, part] = self.rings[role].new_part_key(copy, part)

    @rule(copy=_COPIES, part=_PARTS, role=_DESTROYERS)
    def destroy_part(self, copy: CopyId, part: PartName, role: Role) -> None:
        self.rings[role].destroy_part(copy, part)
        self._forget([(copy, part)])

    @rule(copy=_COPIES, role=_DESTROYERS)
    def destroy_copy(self, copy: CopyId, role: Role) -> None:
        self.rings[role].destroy_copy(copy)
        self.copies.pop(copy, None)
        self._forget([key for key in self.parts if key[0] == copy])

    @precondition(lambda self: self.copies)
    @rule()
    def sweep(self) -> None:
        self.rings[Role.WORKER].sweep()

    @invariant()
    def readable_iff_alive_and_a_recipient(self) -> None:
        for copy in self.copies:
            for part in (PartName(name) for name in ("p-00001", "p-00002", "tags-00001", "links-00001")):
                for role, ring in self.rings.items():
                    alive = self.parts.get((copy, part))
                    if alive is not None and role in _MAY_OPEN[part.partition("-")[0]]:
                        assert ring.part_key(copy, part) == alive
                    else:
                        with pytest.raises(KeyFault):
                            ring.part_key(copy, part)

    @invariant()
    def what_is_listed_is_what_lives(self) -> None:
        assert self.rings[Role.WORKER].list_copies() == sorted(self.copies)
        for copy in (CopyId(f"cp-{n}") for n in range(4)):
            assert self.rings[Role.WORKER].copy_exists(copy) == (copy in self.copies)
        keys = list(self.parts.values())
        assert len(set(keys)) == len(keys)
        assert not self.gone & set(keys)

    @invariant()
    def every_key_file_has_an_owner(self) -> None:
        epochs = self.folder / "keyring" / "epochs"
        found = {path.relative_to(epochs).parts for path in epochs.rglob("*.part")}
        expected = {(*self.copies[copy], copy, f"{part}.part") for copy, part in self.parts}
        assert found == expected
        assert {path.parent.relative_to(epochs).parts for path in epochs.rglob("epoch.key")} >= set(
            self.copies.values()
        )

    def _forget(self, keys: list[tuple[CopyId, PartName]]) -> None:
        self.gone |= {self.parts.pop(key) for key in keys if key in self.parts}

    @override
    def teardown(self) -> None:
        for copy in list(self.copies):
            self.rings[Role.WORKER].destroy_copy(copy)
        self.rings[Role.WORKER].sweep()
        left = [path for path in (self.folder / "keyring").rglob("*") if path.is_file()]
        assert sorted(path.name for path in left) in ([".lock", "keyring.json"], ["keyring.json"])
        shutil.rmtree(self.folder)


Hierarchy.TestCase.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
test_hierarchy = Hierarchy.TestCase
