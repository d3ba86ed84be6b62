# The front door. `make quickstart` and `make test` need nothing but Python 3.11 or newer: they make .venv themselves.

PYTHON ?= python3
VENV ?= .venv
# The pinned release resolves to a small CPU build where one is provided; set TORCH=torch for the newest CUDA build.
TORCH ?= torch==2.13.0
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: quickstart test lint house coverage bench fuzz clean

quickstart: $(INSTALLED)
	$(BIN)/tokenmill quickstart --folder runs/quickstart

test: lint
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Figures and laws of the source tree; HOUSE="--all --check" lists every place and fails where a bound is not kept.
house: $(INSTALLED)
	$(BIN)/python -m tools.house $(HOUSE)

# Runs all tests under coverage.py, worker processes too; then: make house HOUSE="--coverage coverage.json"
coverage: $(INSTALLED)
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 2 --dist loadfile
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage json --quiet -o coverage.json

bench: $(INSTALLED)
	$(BIN)/python -m tests.bench.stages

fuzz: $(INSTALLED)
	$(BIN)/python -m tests.fuzz.files

clean:
	rm -rf $(VENV) runs build *.egg-info

$(INSTALLED): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check '$(TORCH)' -e '.[dev]'
	touch $@
