# The two commands of the README are `make up` and `make test`; the rest is for those who work on Knarr.
PYTHON ?= python3
BIN := .venv/bin
TESTS ?= tests/unit tests/storage tests/api

.PHONY: up down images test test-all check lint types imports fast e2e bench packages packages-test clean

up: packages .venv/run
	@$(BIN)/knarr up

down: .venv/run
	@$(BIN)/knarr down

images: packages .venv/run
	@$(BIN)/python -m images.build
	@! $(BIN)/knarr status >/dev/null 2>&1 || $(BIN)/knarr images serve

# Everything that CI runs.
test: check fast e2e

# The same with every API test on every store.
test-all: test
	KNARR_TEST_STORE=memory $(BIN)/pytest -n 2 tests/api
	KNARR_TEST_STORE=sqlite $(BIN)/pytest -n 2 tests/api
	KNARR_TEST_STORE=etcd $(BIN)/pytest -n 2 tests/api

check: lint types imports

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/dev
	$(BIN)/mypy

imports: .venv/dev
	$(BIN)/lint-imports

fast: packages-test .venv/dev
	$(BIN)/pytest -n 2 $(TESTS)

e2e: packages-test .venv/dev
	$(BIN)/python -m images.build
	$(BIN)/pytest tests/e2e

bench: packages-test .venv/dev
	$(BIN)/python -m benchmarks

packages:
	@scripts/packages run

packages-test:
	@scripts/packages test

.venv/run: pyproject.toml | packages
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing Python packages"
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/dev: pyproject.toml | packages
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ .venv/run

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
