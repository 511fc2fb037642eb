"""`readingroom risk`: how exposed the people of a table are; needs no room, and shows no cell.

Rule 1: an error names file and column, never content.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet
import typer

from readingroom.anonymize.exposure import Asked, Exposure, exposure, shortfalls
from readingroom.cli.anonymize_tables import open_csv
from readingroom.cli.show import AsJson, answer
from readingroom.core.errors import Refusal, UsageError


def _read_csv(name: str) -> pa.Table:
    """A CSV file, whatever separates its cells, as `readingroom anonymize` reads and writes it."""
    parse = pyarrow.csv.ParseOptions(delimiter=open_csv(name).separator, newlines_in_values=True)
    return pyarrow.csv.read_csv(name, parse_options=parse)


READERS: Final[Mapping[str, Callable[[str], pa.Table]]] = {
    ".parquet": pyarrow.parquet.read_table,
    ".csv": _read_csv,
    ".jsonl": pyarrow.json.read_json,
    ".ndjson": pyarrow.json.read_json,
}


def add_to(app: typer.Typer) -> None:
    """Add the command `risk` to the command line."""
    app.command("risk")(risk)


def risk(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The released table: Parquet, CSV or JSONL.")],
    original: Annotated[str, typer.Option(help="What it was made from: attacks are tried on it.")] = "",
    control: Annotated[str, typer.Option(help="People like those who are not in FILE: what anybody can guess.")] = "",
    quasi: Annotated[str, typer.Option(metavar="A,B,…", help="The quasi-identifiers; all columns if absent.")] = "",
    sensitive: Annotated[str, typer.Option(metavar="A,B,…", help="Columns whose values must differ in a class.")] = "",
    secret: Annotated[str, typer.Option(help="The column that an attacker infers; each in turn if absent.")] = "",
    k: Annotated[int | None, typer.Option(min=1, help="Refuse if a class has fewer rows.")] = None,
    l: Annotated[  # noqa: E741 - l-diversity is called so
        int | None, typer.Option(min=1, help="Refuse if a class has fewer distinct values of a sensitive column.")
    ] = None,
    most: Annotated[
        float | None, typer.Option("--max-risk", min=0, max=1, help="Refuse if an attack beats it.")
    ] = None,
    attacks: Annotated[int, typer.Option(min=1, help="Attacks of each kind.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="The seed of all chance.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Classes, uniques, diversity, and three attacks (WP29 Opinion 05/2014). Exit 3 when a named threshold fails."""
    if l is not None and not sensitive:
        raise UsageError("--l needs --sensitive: whose values are to differ?")
    for name, given in (("--control", control), ("--secret", secret), ("--max-risk", most is not None)):
        if given and not original:
            raise UsageError(f"{name} needs --original: attacks are judged by the truth")
    asked = Asked(_names(quasi), _names(sensitive), secret, k or 5, attacks, seed)
    others = [read_table(name) if name else None for name in (original, control)]
    report = exposure(read_table(file), asked, original=others[0], control=others[1])
    if most is not None and not report.attacks:
        raise Refusal("a threshold does not hold", reasons=("--max-risk: no attack could be tried",))
    answer(report.as_json(), as_json=as_json, text=_text(report))
    if reasons := shortfalls(report, k=k, l=l, risk=most):
        raise Refusal("a threshold does not hold", reasons=reasons)


def read_table(name: str) -> pa.Table:
    """The table in a file; UsageError, without its content, if it cannot be read."""
    suffixes = [suffix.lower() for suffix in Path(name).suffixes if suffix.lower() != ".gz"]
    reader = READERS.get(suffixes[-1] if suffixes else "")
    if reader is None:
        raise UsageError(f"{name}: neither {', '.join(READERS)}")
    try:
        table = reader(name)
    except (OSError, pa.ArrowException, UnicodeError) as error:
        raise UsageError(f"{name}: cannot be read ({type(error).__name__})") from None
    if len(set(table.column_names)) != len(table.column_names):
        raise UsageError(f"{name}: two columns have one name")
    for field in table.schema:
        if reader is _read_csv and pa.types.is_binary(field.type):
            raise UsageError(f"{name}, column {field.name}: not UTF-8")
    return table


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _text(report: Exposure) -> str:
    lines = [
        f"{report.rows:,} rows, quasi-identifiers: {', '.join(report.columns) or 'none'}",
        *(f"left out: {name} ({why})" for name, why in report.left_out.items()),
        f"classes: {report.classes:,}, the smallest of {report.smallest_class:,} rows",
        f"{report.rows_unique:,} rows stand alone, {report.rows_below_k:,} in classes of fewer than {report.k}",
        *(f"  {' + '.join(one.columns)}: {one.unique:,} rows alone, {one.below_k:,} below k" for one in report.uniques),
        *(
            f"{one.column}: at least {one.distinct} distinct values in a class, worth {one.entropy:.2f}, "
            f"at most {one.distance:.3f} from the whole (t)"
            for one in report.diversity
        ),
    ]
    if report.remedy:
        lines.append(_remedy(report.remedy, report.k))
    lines.append(f"control group: {report.control}" if report.attacks else f"attacks: {report.control}")
    lines += [_attack(one.as_json()) for one in report.attacks]
    return "\n".join(lines)


def _remedy(remedy: Mapping[str, Any], k: int) -> str:
    if not remedy["met"]:
        return f"no generalization reaches k = {k}: there are fewer rows"
    gone, wider = (sum(remedy[name].values()) for name in ("suppressed", "generalized"))
    cost = f"a loss of {remedy['loss']:.3f} (NCP): {gone:,} cells hidden, {wider:,} wider"
    return f"local recoding reaches k = {k} at {cost}"


def _attack(one: Mapping[str, Any]) -> str:
    low, high = one["interval"]
    tried = [(name, one[name]) for name in ("attacked", "control", "naive") if name in one]
    rates = ", ".join(f"{name} {rate['successes']}/{rate['attacks']}" for name, rate in tried)
    what = f"{one['attack']} of {one['columns'][0]}" if one["attack"] == "inference" else one["attack"]
    return f"{what}: risk {one['risk']:.3f} [{low:.3f}, {high:.3f}] ({rates})"
