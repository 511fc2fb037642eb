"""A fictional tenant that exports as neither of the others does, within the format: for what nobody has listed.

Quotes around every cell, CRLF and a byte order mark, columns in another order, a partition a year, German custom
columns and tables, a table called after a person, and columns whose name or type lies: a code that holds addresses, a
count that holds text. A copy must withhold what no list knows, and show nobody by what it does know.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

from readingroom.simulation.fiction import write_tenant
from readingroom.simulation.fiction_layout import ACCOUNT_URL
from readingroom.simulation.fiction_people import Dice, fold
from readingroom.simulation.fiction_records import Size

VISITS: Final = "cr1a_kundenbesuch"
CUSTOM: Final = {"cr1a_spitzname": "string", "cr1a_rueckrufnummer": "string", "cr1a_betreuung": "string"}  # contact
VISIT: Final = {
    "cr1a_bemerkung": "string",  # names people
    "cr1a_ansprechpartner": "string",
    "cr1a_rueckruf": "string",
    "cr1a_anzahl": "string",  # a count, says its name; an address, say some cells
    "cr1a_stufe": "string",  # one of three codes
}
_LEADING: Final = ("Id", "SinkCreatedOn", "SinkModifiedOn")
_TRAILING: Final = ("versionnumber", "createdon", "IsDelete", "new_salesregion")
_NOTES: Final = (
    "{full} rief an und bittet um Rückruf unter {phone}.",
    "Besuch bei {full}, danach Post an {email}.",
    "Niemand war da.",
)


@dataclass
class _Table:
    """A table of the export in the making; every cell is text, empty is null."""

    types: dict[str, str]
    rows: list[dict[str, str]]


def write_odd_tenant(
    directory: Path, name: str, *, seed: int, geo: str, as_of: datetime, size: Size | None = None
) -> dict[str, str]:
    """Write a tenant that exports in its own way; its connection for `open_sources`."""
    connection = write_tenant(directory, name, seed=seed, geo=geo, as_of=as_of, size=size)
    dice = Dice(seed)
    root = Path(connection["synapse"])
    model = json.loads((root / "model.json").read_text(encoding="utf-8"))
    tables = {entity["name"]: _read(root, entity) for entity in model["entities"]}
    people = [row for row in tables["contact"].rows if row["fullname"]]
    _bend(tables["contact"], dice)
    tables[VISITS] = _visits(VISITS, people, dice)
    named = f"cr1a_{fold(people[0]['lastname'])}akte"
    tables[named] = _visits(named, people[:3], dice)
    model["entities"] = [_write(root, name, table, one=one, dice=dice) for table, one in tables.items()]
    (root / "model.json").write_text(json.dumps(model), encoding="utf-8")
    for path in sorted(Path(connection["interactions"]).glob("csv/*/*")):
        _turn(path, dice)
    return connection


def _read(root: Path, entity: Mapping[str, Any]) -> _Table:
    types = {one["name"]: one["dataType"] for one in entity["attributes"]}
    rows = []
    for path in sorted((root / entity["name"]).iterdir()):
        with path.open(encoding="utf-8", newline="") as text:
            rows += [dict(zip_longest(types, line, fillvalue="")) for line in csv.reader(text)]
        path.unlink()
    return _Table(types, rows)


def _bend(contacts: _Table, dice: Dice) -> None:
    """Columns that nobody listed, and a listed code that holds something else in some rows."""
    contacts.types |= CUSTOM | {"preferredcontactmethodcode": "string"}
    for row in contacts.rows:
        known = bool(row["fullname"])
        row["cr1a_spitzname"] = row["firstname"][:4]
        row["cr1a_rueckrufnummer"] = row["mobilephone"]
        row["cr1a_betreuung"] = dice.pick(("Nord", "Süd", row["fullname"])) if known else ""
        if known and dice.chance(0.3):
            row["preferredcontactmethodcode"] = row["emailaddress1"]


def _visits(table: str, people: Sequence[Mapping[str, str]], dice: Dice) -> _Table:
    types = {"Id": "guid", "SinkCreatedOn": "dateTime", "SinkModifiedOn": "dateTime", f"{table}id": "guid", **VISIT}
    types |= {"versionnumber": "int64", "createdon": "dateTimeOffset", "IsDelete": "boolean"}
    rows = []
    for number, person in enumerate(people):
        about = {"full": person["fullname"], "phone": person["mobilephone"], "email": person["emailaddress1"]}
        one = dice.guid()
        row = {"Id": one, f"{table}id": one, "versionnumber": str(number + 1), "IsDelete": ""}
        row |= {name: person[name] for name in ("SinkCreatedOn", "SinkModifiedOn", "createdon")}
        row |= {"cr1a_bemerkung": dice.pick(_NOTES).format(**about), "cr1a_ansprechpartner": about["full"]}
        row |= {"cr1a_rueckruf": about["phone"], "cr1a_stufe": dice.pick(("A", "B", "C"))}
        rows.append(row | {"cr1a_anzahl": about["email"] if dice.chance(0.2) else str(dice.between(1, 9))})
    return _Table(types, rows)


def _write(root: Path, name: str, table: str, *, one: _Table, dice: Dice) -> dict[str, Any]:
    """Write the table's files; its entity for model.json."""
    middle = [column for column in one.types if column not in {*_LEADING, *_TRAILING}]
    tail = [column for column in _TRAILING if column in one.types]
    columns = [*_LEADING, *dice.some(middle, len(middle)), *tail]
    years: dict[str, list[str]] = {}
    for row in one.rows:
        cells = (f'"{value}"' if value else "" for value in (row[c].replace('"', '""') for c in columns))
        years.setdefault(row["createdon"][:4], []).append(",".join(cells) + "\r\n")
    (root / table).mkdir(exist_ok=True)
    for year, lines in years.items():
        (root / table / f"{year}.csv").write_bytes(b"\xef\xbb\xbf" + "".join(lines).encode())
    url = ACCOUNT_URL.format(name)
    return {
        "$type": "LocalEntity",
        "name": table,
        "attributes": [{"name": column, "dataType": one.types[column]} for column in columns],
        "partitions": [{"name": year, "location": f"{url}/{table}/{year}.csv"} for year in sorted(years)],
    }


def _turn(path: Path, dice: Dice) -> None:
    """The same blob with its columns in another order and LF row ends."""
    packed = path.suffix == ".gz"
    data = gzip.decompress(path.read_bytes()) if packed else path.read_bytes()
    header, *rows = csv.reader(io.StringIO(data.decode(), newline=""))
    order = dice.some(range(len(header)), len(header))
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([line[at] for at in order] for line in (header, *rows))
    turned = text.getvalue().encode()
    path.write_bytes(gzip.compress(turned, mtime=0) if packed else turned)
