"""What stands in deploy/ and docs/runbooks is what the product has: units are hardened, commands exist."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer import BadParameter
from typer.main import get_command

from readingroom.cli.main import app

ROOT = Path(__file__).parent.parent.parent
UNITS = sorted((ROOT / "deploy/systemd").glob("*.service"))
TIMERS = sorted((ROOT / "deploy/systemd").glob("*.timer"))
RUNBOOKS = sorted((ROOT / "docs/runbooks").glob("*.md"))
TEN = {
    "keyring-lost", "disk-full", "database-gone", "credential-leaked", "purge-missed",
    "wrong-data-seen", "log-forged", "request-late", "model-released", "clock-wrong",
}  # fmt: skip
HARD = {
    "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes", "PrivateDevices": "yes",
    "NoNewPrivileges": "yes", "CapabilityBoundingSet": "", "LimitCORE": "0", "UMask": "0077", "User": "readingroom",
    "RestrictSUIDSGID": "yes", "LockPersonality": "yes", "ProtectKernelModules": "yes", "StateDirectoryMode": "0700",
}  # fmt: skip


def parsed(unit: Path) -> dict[str, str]:
    parser = configparser.ConfigParser(strict=False, interpolation=None, allow_no_value=True)
    parser.optionxform = str  # type: ignore[method-assign,assignment]
    parser.read_string(unit.read_text(encoding="utf-8"))
    return dict(parser["Service"])


def check(line: str) -> None:
    """The command line of the product takes this line: its commands, options and arguments are real."""
    words = re.findall(r'"[^"]*"|\S+', line)
    arguments = [word.strip('"') for word in words[1:]]
    command: Any = get_command(app)
    context = command.make_context("readingroom", arguments)
    while hasattr(command, "list_commands"):
        name, *rest = [*context._protected_args, *context.args]  # noqa: SLF001 - how typer's groups keep what follows
        command = command.get_command(context, name)
        assert command is not None, line
        context = command.make_context(name, rest, parent=context)


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_every_unit_is_hardened_and_starts_a_command_that_exists(unit: Path) -> None:
    service = parsed(unit)
    assert {key: service.get(key) for key in HARD} == HARD
    assert "@system-service" in unit.read_text(encoding="utf-8")
    start = re.search(r"/bin/(readingroom [^'\n]*)", service["ExecStart"])
    assert start is not None
    check(start[1])


def test_each_process_sees_only_its_own_roles_keys() -> None:
    hidden = {
        unit.stem: set(re.findall(r"roles/(\w+)\.json", parsed(unit).get("InaccessiblePaths", ""))) for unit in UNITS
    }
    assert hidden == {
        "readingroom-web": {"copy", "subjects", "worker"},
        "readingroom-worker": {"copy", "web"},
        "readingroom-backup": {"copy", "web", "subjects"},
        "readingroom-doctor": set(),  # it looks at every role's keys
    }


def test_every_timer_has_its_unit() -> None:
    assert {timer.stem for timer in TIMERS} == {"readingroom-backup", "readingroom-doctor"}
    assert {timer.stem for timer in TIMERS} <= {unit.stem for unit in UNITS}


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)  # containers have none
@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_systemd_takes_the_unit_and_calls_it_little_exposed(unit: Path, tmp_path: Path) -> None:
    local = tmp_path / unit.name
    text = unit.read_text(encoding="utf-8").replace("/opt/readingroom/bin/readingroom", "/bin/true")
    local.write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(local)], capture_output=True, text=True, check=False
    )
    assert unit.stem not in done.stderr, done.stderr
    exposure = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=20", str(local)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert exposure.returncode == 0, exposure.stdout[-400:]  # at most 2.0 of 10


def test_the_container_has_no_root_and_every_package_by_hash() -> None:
    lines = (ROOT / "deploy/Containerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    steps = [line.split(None, 1) for line in lines if line and not line.startswith("#")]
    final = steps[max(number for number, step in enumerate(steps) if step[0] == "FROM") :]
    assert [step[1] for step in final if step[0] == "USER"] == ["10001:10001"]
    assert all("debian:bookworm-slim" in step[1] for step in steps if step[0] == "FROM")
    installs = [step[1] for step in steps if "pip install" in step[1]]
    assert len(installs) == 2
    assert "--require-hashes" in installs[0]
    assert "--no-deps" in installs[1]
    assert not [step for step in final if step[0] == "RUN" and "pip" in step[1]]
    assert not [line for line in lines if re.search(r"\b(curl|wget|ADD http)", line)]
    copied = [word for step in steps if step[0] == "COPY" and "--from" not in step[1] for word in step[1].split()[:-1]]
    assert all((ROOT / name).exists() for name in copied)
    entry = next(step[1] for step in final if step[0] == "CMD")
    check("readingroom " + " ".join(re.findall(r'"([^"]+)"', entry)))


def commands(page: Path) -> list[str]:
    text = page.read_text(encoding="utf-8")
    spans = re.findall(r"`(readingroom [^`]+)`", text) + re.findall(r"^ {4}(readingroom .+)$", text, re.MULTILINE)
    return [" ".join(span.split()) for span in spans]


def test_there_is_a_page_for_each_of_the_ten_days() -> None:
    assert {page.stem for page in RUNBOOKS} == TEN | {"README"}
    assert all(len(commands(page)) >= 2 for page in RUNBOOKS if page.stem in TEN)
    assert all(len(page.read_text(encoding="utf-8").splitlines()) <= 40 for page in RUNBOOKS)
    index = (ROOT / "docs/runbooks/README.md").read_text(encoding="utf-8")
    assert all(f"({name}.md)" in index for name in TEN)


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda path: path.stem)
def test_every_command_of_a_runbook_is_one(page: Path) -> None:
    for line in commands(page):
        check(line)


@pytest.mark.parametrize("line", ["readingroom purge everything", "readingroom doctor --fix", "readingroom restore"])
def test_a_command_that_is_none_would_be_noticed(line: str) -> None:
    with pytest.raises((*BadParameter.__bases__, AssertionError)):
        check(line)
