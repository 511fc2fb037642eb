# Everything sets itself up: Python 3.11+, pip and make are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.base
DEV := $(VENV)/.dev
PEERS := .venv-bench
PEERS_STAMP := $(PEERS)/.peers
PROVIDER := $(VENV)/provider
ROOM ?= demo-room
PORT ?= 8800
# places, the demo, walls, pages, the gate, an engagement: where a server might do otherwise than a file
GROUND := tests/contract/test_places_roles.py tests/functional/test_demo.py tests/functional/test_walls.py \
  tests/functional/web/test_web_access.py tests/integration/access/test_access_gate.py \
  tests/integration/test_engagement_whole.py

.PHONY: demo extras test test-ground test-postgres migration lint bench quality docs sbom requirements clean format

$(STAMP): requirements/base.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/base.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -c "from readingroom.anonymize.texts import warm_up; warm_up()"  # compile the kernels once
	touch $@

$(DEV): requirements/dev.txt $(STAMP)
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt
	touch $@

$(PROVIDER)/.done: $(wildcard tests/functional/web/provider/*)  # an identity provider for the tests; none without npm
	mkdir -p $(PROVIDER) && cp tests/functional/web/provider/* $(PROVIDER)/
	if command -v npm >/dev/null; then cd $(PROVIDER) && npm ci --silent --no-audit --no-fund; fi
	touch $@

$(PEERS_STAMP): requirements/bench.txt
	test -x $(PEERS)/bin/python || $(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/bench.txt
	touch $@

demo: $(STAMP)  ## the main job on fictional tenants in a new simulation room, then the pages (ONCE=1: no pages)
	$(BIN)/readingroom -C $(ROOM) demo --port $(PORT) $(if $(ONCE),--once,)

extras: $(VENV)/.extras  ## spaCy and Presidio, so that the tests of their adapters run

$(VENV)/.extras: requirements/extras.txt $(DEV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/extras.txt
	touch $@

test: $(DEV) $(PROVIDER)/.done  ## every test but the quality measures
	$(BIN)/python -m pytest -q -n 2 --dist loadfile -m "not quality"

test-ground: $(DEV)  ## the tests that ask most of a database, with every room on PostgreSQL 15
	READINGROOM_TEST_DATABASE=postgresql $(BIN)/python -m pytest -q -n 2 --dist loadfile -m "not quality" $(GROUND)

test-postgres: $(DEV) $(PROVIDER)/.done  ## every test, with every room on PostgreSQL 15
	READINGROOM_TEST_DATABASE=postgresql $(BIN)/python -m pytest -q -n 2 --dist loadfile -m "not quality"

migration: $(DEV)  ## NAME="what for": write the migration from the newest revision to the tables as they are
	$(BIN)/python scripts/new_migration.py "$(NAME)"

lint: $(DEV)  ## style, types, floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python scripts/audit_dependencies.py

format: $(DEV)
	$(BIN)/ruff check --fix-only -q .
	$(BIN)/ruff format -q .

bench: $(DEV) $(PEERS_STAMP)  ## speed and memory, side by side, as ratios; peers in a venv of their own
	$(BIN)/python benchmarks/anonymize.py
	$(BIN)/python benchmarks/copy_run.py

quality: $(DEV)  ## recall and AUC on ../shared/data; says so where the folder is absent
	$(BIN)/python -m pytest -q -m quality -s

docs: $(DEV)  ## what can drift: CLI help, settings, states, walkthrough, screenshots
	$(BIN)/python scripts/make_docs.py

sbom: $(DEV)  ## a bill of materials (CycloneDX) into build/
	$(BIN)/python scripts/make_sbom.py

requirements: $(DEV)  ## pin again, by hash
	for f in base dev bench extras; do $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate -o requirements/$$f.txt requirements/$$f.in; done

clean:
	rm -rf $(VENV) $(PEERS) $(ROOM) build dist .mypy_cache .ruff_cache .pytest_cache
