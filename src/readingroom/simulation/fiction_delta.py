"""A fictional tenant that exports in Delta: the big tables and all interactions, as Fabric and Synapse Link write them.

Rule 1: replaced files stay on disk, as in life before a vacuum: version 0 of a table holds what later versions replaced
or deleted. Rule 2: the rows are those of the CSV tenant; only file names and times of commits differ from run to run.
"""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import write_deltalake

from readingroom.simulation.fiction import write_tenant
from readingroom.simulation.fiction_records import Size
from readingroom.sources import SourceSet, TableInfo, open_sources

DELTA_TABLES: Final = ("contact", "lead", "msdyncrm_marketingemail", "msdyncrm_marketingformsubmission")
_PARTITION: Final = "PartitionId"


def write_delta_tenant(
    directory: Path, name: str, *, seed: int, geo: str, as_of: datetime, size: Size | None = None
) -> dict[str, str]:
    """Write a tenant whose big tables are Delta tables; its connection for `open_sources`."""
    connection = write_tenant(directory, name, seed=seed, geo=geo, as_of=as_of, size=size)
    sources = open_sources(connection, as_of)
    sources.scan()
    synapse, interactions = Path(connection["synapse"]), Path(connection["interactions"])
    for table in sources.tables():
        if table.name in DELTA_TABLES:
            _versions(sources, table, synapse / "deltalake" / f"{table.name}_partitioned")
        elif table.store == "interactions":
            _append(_rows(sources, table), interactions / "Tables" / table.name.lower())
    for table_name in DELTA_TABLES:
        shutil.rmtree(synapse / table_name)
    _forget(synapse / "model.json")
    shutil.rmtree(interactions / "csv")
    (interactions / "model.json").unlink()
    return connection


def _rows(sources: SourceSet, table: TableInfo) -> pa.Table:
    return pa.Table.from_batches(sources.read(table))


def _versions(sources: SourceSet, table: TableInfo, folder: Path) -> None:
    """Version 0 with the rows that were replaced or deleted since; version 1 is the table of today."""
    current = _rows(sources, table)
    former = pa.Table.from_batches(sources.former(table), schema=current.schema)
    former = former.filter(pc.invert(pc.fill_null(former["IsDelete"], fill_value=False)))
    replaced = current.filter(pc.invert(pc.is_in(current["Id"], value_set=former["Id"].combine_chunks())))
    folder.mkdir(parents=True)
    write_deltalake(folder.as_uri(), _partitioned(pa.concat_tables([former, replaced])), partition_by=[_PARTITION])
    write_deltalake(folder.as_uri(), _partitioned(current), partition_by=[_PARTITION], mode="overwrite")


def _partitioned(rows: pa.Table) -> pa.Table:
    return rows.append_column(_PARTITION, pc.year(rows["createdon"]).cast(pa.string()))


def _append(rows: pa.Table, folder: Path) -> None:
    """Two commits: interactions come and stay."""
    folder.mkdir(parents=True)
    half = rows.num_rows // 2
    for part in (rows.slice(0, half), rows.slice(half)):
        write_deltalake(folder.as_uri(), part, mode="append")


def _forget(path: Path) -> None:
    """model.json lists the CSV tables only."""
    model = json.loads(path.read_text(encoding="utf-8"))
    model["entities"] = [one for one in model["entities"] if one["name"] not in DELTA_TABLES]
    path.write_text(json.dumps(model), encoding="utf-8")
