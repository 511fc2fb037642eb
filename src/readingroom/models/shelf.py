"""The files of models in ROOM/models/<id>/: the artefact (written once), the card and its signature.

Nothing here is customer data. Whoever owns this folder can delete or replace a file; the artefact's hash is in the
room's database and log, and the card is signed, so a replaced one is not used.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from readingroom.core.errors import Fault, UnknownName
from readingroom.core.ids import ModelId, check_name
from readingroom.house import House
from readingroom.stores.durable import create_file, make_folder, sync

ARTEFACT: Final = "model.bin"
CARD: Final = "card.json"
SIGNATURE: Final = "card.sig"


def folder(house: House, model: ModelId) -> Path:
    """Where a model's files are."""
    return house.settings.root / "models" / check_name(model, what="a model's id")


def put(house: House, model: ModelId, name: str, *, data: bytes) -> None:
    """Write a file once; on disk when this returns."""
    path = folder(house, model) / name
    try:
        make_folder(path.parent, root=house.settings.root)
        create_file(path, data)
    except OSError as error:
        raise Fault(f"a file of model {model} cannot be written: {type(error).__name__}") from None


def replace(house: House, model: ModelId, name: str, *, data: bytes) -> None:
    """Write a file in the place of an earlier one, whole or not at all."""
    path = folder(house, model) / name
    fresh = path.with_suffix(path.suffix + ".next")
    try:
        make_folder(path.parent, root=house.settings.root)
        fresh.unlink(missing_ok=True)
        create_file(fresh, data)
        fresh.replace(path)
        sync(path.parent)
    except OSError as error:
        raise Fault(f"a file of model {model} cannot be written: {type(error).__name__}") from None


def get(house: House, model: ModelId, name: str) -> bytes:
    """A file's bytes."""
    try:
        return (folder(house, model) / name).read_bytes()
    except FileNotFoundError:
        raise UnknownName(f"model {model} has no file {name}") from None
    except OSError as error:
        raise Fault(f"a file of model {model} cannot be read: {type(error).__name__}") from None
