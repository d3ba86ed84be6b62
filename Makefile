# The front door. `make quickstart` and `make test` need nothing but Python 3.11 or newer: they make .venv themselves.

PYTHON ?= python3
VENV ?= .venv
# What pip is to install as PyTorch, `make quickstart TORCH=torch` for instance; empty: tools/choose_torch.py chooses and says why.
TORCH ?=
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Layers of the environment: what a user needs, and what the tests need on top of it. `make wheel` needs the packager only.
USER_LAYER := $(VENV)/.installed
DEV_LAYER := $(VENV)/.installed-dev
PACKAGER := $(VENV)/.installed-packager

.PHONY: quickstart test lint house coverage bench fuzz wheel clean

quickstart: $(USER_LAYER)
	$(BIN)/tokenmill quickstart --folder runs/quickstart

test: lint
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(DEV_LAYER)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Figures and laws of the source tree; HOUSE="--all --check" lists every place and fails where a bound is not kept.
house: $(DEV_LAYER)
	$(BIN)/python -m tools.house $(HOUSE)

# Runs all tests under coverage.py, worker processes too; then: make house HOUSE="--coverage coverage.json"
coverage: $(DEV_LAYER)
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 2 --dist loadfile
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage json --quiet -o coverage.json

bench: $(DEV_LAYER)
	$(BIN)/python -m tests.bench.stages

fuzz: $(DEV_LAYER)
	$(BIN)/python -m tests.fuzz.files

# dist/*.tar.gz, and dist/*.whl built from nothing but it.
wheel: $(PACKAGER)
	rm -rf dist
	$(BIN)/python -m build --outdir dist .

clean:
	rm -rf $(VENV) runs build dist *.egg-info

$(USER_LAYER): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	torch=$$($(BIN)/python tools/choose_torch.py --wanted '$(TORCH)') && $(PIP) $$torch -e '.[train]'
	touch $@

# Tests ask no host but the package index, so that they run where there is no other.
$(DEV_LAYER): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	torch=$$($(BIN)/python tools/choose_torch.py --wanted '$(TORCH)' --ask-no-host) && $(PIP) $$torch -e '.[dev]'
	touch $(USER_LAYER) $@

$(PACKAGER):
	$(PYTHON) -m venv $(VENV)
	$(PIP) 'build>=1.2'
	touch $@
