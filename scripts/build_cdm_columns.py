"""Build anonymize/data/cdm_columns.json.gz: which tables and columns the Common Data Model names, and their types.

Usage: python scripts/build_cdm_columns.py ../shared/data/schema/cdm_schema.jsonl.gz
The origin and licence stand in src/readingroom/anonymize/data/README-classification.md.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

OUT = Path(__file__).parents[1] / "src/readingroom/anonymize/data/cdm_columns.json.gz"
_MARKETING = {"marketing_solution", "marketing_core", "customer_insights"}


def build(lines: list[str]) -> dict[str, dict[str, dict[str, object]]]:
    """Facts only: store, table, marketing or not, primary key, column names in lower case with their CDM types.

    `names` lists the names as CDM spells them, with capitals: the words of the product, and schema names.
    """
    out: dict[str, dict[str, dict[str, object]]] = {"dataverse": {}, "interactions": {}, "names": {}}
    for line in lines:
        record = json.loads(line)
        store = "interactions" if record["group"].startswith("interaction") else "dataverse"
        name = (record["entity"] if store == "interactions" else record["logical_name"]).lower()
        table = out[store].setdefault(name, {"marketing": False, "key": "", "columns": {}})
        table["marketing"] = bool(table["marketing"]) or record["group"] in _MARKETING
        table["key"] = table["key"] or (record["primary_key"] or "").lower()
        columns = table["columns"]
        out["names"][record["entity"]] = {}
        assert isinstance(columns, dict)  # noqa: S101 - made three lines above
        for column in record["columns"]:
            out["names"][column["name"]] = {}
            columns.setdefault((column.get("source_name") or column["name"]).lower(), column["data_type"] or "")
    return out


def main() -> None:
    """Read the CDM listing named on the command line and write the package data."""
    with gzip.open(sys.argv[1], "rt", encoding="utf-8") as source:
        tables = build(source.readlines())
    facts = {**tables, "names": sorted(tables["names"])}
    text = json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()
    OUT.write_bytes(gzip.compress(text, 9, mtime=0))
    print(f"{OUT.name}: {len(tables['dataverse']) + len(tables['interactions'])} tables, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
