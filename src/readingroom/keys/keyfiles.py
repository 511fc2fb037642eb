"""Key files: each written once, whole and durable, readable by the owner alone; each destroyed for good (P15).

They hold wrapped keys only. Whoever owns the folder can destroy keys, so it is trusted with availability; it can open
nothing without a role's private key. A backup of the folder would undo a destruction, so it is never backed up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from readingroom.core.canonical import canonical, parse_object
from readingroom.core.errors import KeyFault, UsageError
from readingroom.stores.durable import UNFINISHED, create_file, drop_empty_folders, make_folder, shred


@contextmanager
def foreign(act: str) -> Iterator[None]:
    """Inside, what the file system answers becomes a KeyFault that names `act` and nothing else."""
    try:
        yield
    except FileExistsError:
        raise KeyFault(f"{act}: there is a key already; a key is never overwritten") from None
    except OSError as error:
        raise KeyFault(f"{act}: the keyring failed with {type(error).__name__}") from None


def write_key(path: Path, body: Mapping[str, Any], *, root: Path) -> None:
    """Create the key file `path`, durable when this returns; KeyFault if there is one."""
    make_folder(path.parent, root=root)
    with foreign("create"):
        create_file(path, canonical(dict(body)))


def read_key(path: Path, *, what: str) -> Mapping[str, Any]:
    """The content of a key file; KeyFault naming `what` if it is missing or corrupt."""
    try:
        return parse_object(path.read_bytes(), what=what)
    except FileNotFoundError:
        raise KeyFault(f"there is no {what}: it was destroyed, or never made") from None
    except (OSError, UsageError):
        raise KeyFault(f"the {what} is corrupt") from None


def destroy_folder(folder: Path, *, last: str, root: Path) -> None:
    """Shred every file of `folder`, `last` at the end, so that a crash in between can be seen and taken up again."""
    if not folder.is_dir():
        return
    files = sorted((path for path in folder.iterdir() if path.is_file()), key=lambda path: (path.name == last, path))
    for path in files:
        shred(path)
    drop_empty_folders(folder, root=root)


def unfinished(root: Path) -> list[Path]:
    """Key files that a dead process left half-made; ask only while holding the lock."""
    return sorted(root.rglob(f"*{UNFINISHED}"))
