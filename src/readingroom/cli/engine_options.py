"""Options that every command over the engine has, in the same words."""

from __future__ import annotations

from typing import Annotated

import typer

Profile = Annotated[str, typer.Option("--profile", help="balanced or strict.")]
Patterns = Annotated[
    str | None, typer.Option("--patterns", metavar="FILE.toml", help="Patterns and lists of your own.")
]
Detectors = Annotated[
    str, typer.Option("--detectors", metavar="NAMES", help="Plug-ins beside the engine, such as spacy,presidio.")
]
