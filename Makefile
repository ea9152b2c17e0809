# `make demo` shows the product, `make test` proves it. Both make .venv first, from any Python 3.11 to 3.13 found.
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
CANDIDATES := python3 python3.13 python3.12 python3.11 python
FITS := import sys, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
WORKERS := 2

.PHONY: demo test soak bench bench-pipeline bench-optimizer bench-searches audit gate lint types format clean

demo: $(STAMP)-run
	$(BIN)/rustybt demo

test: $(STAMP)-test
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

soak: $(STAMP)-test
	$(BIN)/python -m pytest -m soak

# BENCH takes options, such as --zipline-python PATH; see docs/performance.md.
bench: $(STAMP)-run
	$(BIN)/python -m scripts.benchmarks.bench_engine $(BENCH)

# Pipelines beside Zipline's; BENCH takes --zipline-python PATH here too.
bench-pipeline: $(STAMP)-run
	$(BIN)/python -m scripts.benchmarks.bench_pipeline $(BENCH)

# What the optimizer costs beyond its backtests, and whether its searches find more than chance does.
bench-optimizer: $(STAMP)-test
	$(BIN)/python -m scripts.benchmarks.bench_optimizer $(BENCH)

bench-searches: $(STAMP)-run
	$(BIN)/python -m scripts.benchmarks.bench_searches
	$(BIN)/python -m scripts.benchmarks.bench_bohb

# Which layers of the optimizer pay, at micro and production scale: in pairs, with paired t-tests.
audit: $(STAMP)-run
	$(BIN)/python scripts/benchmarks/run_full_audit.py $(BENCH)

# Is this commit slower than the one before? pytest-benchmark is the timer.
gate: $(STAMP)-test
	$(BIN)/python -m scripts.benchmarks.gate $(BENCH)

lint: $(STAMP)-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)-dev
	$(BIN)/mypy

format: $(STAMP)-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	@for python in $(CANDIDATES); do \
	  if $$python -c '$(FITS)' >/dev/null 2>&1; then exec $$python -m venv $(VENV); fi; \
	done; \
	echo "make: no Python 3.11, 3.12 or 3.13 with venv found (tried: $(CANDIDATES))" >&2; exit 1

# An editable install, made again when the dependencies change.
$(STAMP)-run: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(STAMP)-test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@ $(STAMP)-run

$(STAMP)-dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(STAMP)-test $(STAMP)-run
