# Every intent is one command; people and CI use the same ones.
#   make install     environment in $(VENV) with everything pinned
#   make demo        fetch MovieLens-100K, tune and compare three models, print the comparison and the report's path
#   make check       format, lint, types, import walls, generated files
#   make test        the tests (real PostgreSQL, real processes; no system package needed)
#   make test-slow   the simulations and long trainings as well
#   make manifests   generate crds/ and docs/reference/ from the contract
#   make images      both container images, with BUILDER=docker or BUILDER=buildah
#   make bench       benchmarks; see bench/README.md
VENV ?= .venv
PYTHON ?= python3
# For a CPU-only PyTorch where pip's index holds the CUDA build:
#   make install PIP_FLAGS="--extra-index-url https://download.pytorch.org/whl/cpu"
PIP_FLAGS ?=
WORKSPACE ?= demo-workspace
BUILDER ?= docker
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
BIN := $(VENV)/bin

.PHONY: install demo check format test test-slow manifests images bench

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/pip install --quiet --constraint constraints.txt $(PIP_FLAGS) --group dev --editable ".[local,operator]"
	touch $@

demo: install
	$(BIN)/ctrlab data fetch ml-100k
	$(BIN)/ctrlab run examples/01-quick-start.yaml --workspace $(WORKSPACE)

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: install
	$(BIN)/pytest -m "not slow"

test-slow: install
	$(BIN)/pytest

manifests: install
	$(BIN)/python -m ctrlab_contract.crd crds docs/reference
	cp crds/*.yaml charts/ctrlab/files/crds/

images:
	$(BUILDER) build --file Dockerfile.operator --tag ctrlab-operator:$(VERSION) .
	$(BUILDER) build --file Dockerfile.trainer --tag ctrlab-trainer:$(VERSION) .

bench: install
	@cat bench/README.md
