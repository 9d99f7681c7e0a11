# The first two targets are all a newcomer needs: make up, make test.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
COMPILE = $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header \
	--no-annotate --no-emit-package numpy --no-emit-package pandas --no-emit-package pyarrow \
	--no-emit-package python-dateutil --extra build --quiet
LOCKS ?= .
PYTEST_ARGS ?=
# Most tests wait for processes to start, stop and recover, so five workers have two cores to do; those of one file share
# a worker. In their own order: by the number of their tests the longest files, of one test each, would come last, and
# the other workers had nothing to do.
JOBS ?= 5

.PHONY: up test check bench bench-peers bench-edge bench-worker bench-embedded bench-reads soak kafka lock

up: $(VENV)/.installed
	@exec $(BIN)/penstock up

# Some hundred processes are started: what they import is compiled before, also where Python is told to write none of it.
test: $(VENV)/.installed-dev
	@$(BIN)/python -m compileall -q deploy ingest schemas workers
	@exec $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

check: $(VENV)/.installed-dev
	$(BIN)/ruff check && $(BIN)/ruff format --check && $(BIN)/mypy

bench: $(VENV)/.installed-dev
	@for file in tests/bench/[a-z]*.py; do $(BIN)/python -m tests.bench.$$(basename $$file .py) || exit 1; done

# What benchmarks measure beside Penstock, where Go is there to build it.
bench-peers:
	cd tests/bench/peers/edge && go build -o $(CURDIR)/build/peers/edge .

bench-edge: $(VENV)/.installed-dev
	@exec $(BIN)/python -m tests.bench.edge $(ROUNDS)

# From Kafka into every table beside ClickHouse's own engine, what each view costs, and the memory that a backlog needs.
bench-worker: $(VENV)/.installed-dev
	@for name in worker tables memory; do $(BIN)/python -m tests.bench.$$name || exit 1; done

# `penstock up` under load, and how long it takes from a 200 to a row. Needs wrk.
bench-embedded: $(VENV)/.installed-dev
	@for name in embedded visible; do $(BIN)/python -m tests.bench.$$name || exit 1; done

bench-reads: $(VENV)/.installed-dev
	@exec $(BIN)/python -m tests.bench.reads $(MILLIONS)

# make soak MINUTES=30 SEED=1 LOG=kafka RATE=150: faults under load, then an audit. LOG=embedded for `penstock up`.
soak: $(VENV)/.installed-dev
	@exec $(BIN)/python -m tests.soak --minutes $(or $(MINUTES),30) --seed $(or $(SEED),1) --log $(or $(LOG),kafka) \
		--rate $(or $(RATE),150) $(if $(SUMMARY),--summary $(SUMMARY))

kafka: $(VENV)/.installed-dev
	@exec $(BIN)/python -m deploy.kafka.broker $(or $(DO),start)

# Existing pins are kept; `make lock UPGRADE=--upgrade` moves them.
lock: $(VENV)/.installed-dev
	$(COMPILE) $(UPGRADE) --output-file $(LOCKS)/requirements.lock
	$(COMPILE) $(UPGRADE) --extra dev --output-file $(LOCKS)/requirements-dev.lock

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(call install,requirements.lock)

$(VENV)/.installed-dev: requirements-dev.lock pyproject.toml
	@$(call install,requirements-dev.lock)
	@touch $(VENV)/.installed

# The stamp is younger than what it was made from, so that nothing is installed twice.
define install
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Penstock needs Python 3.11 or newer: make PYTHON=/path/to/python3.11")'
test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
echo "Installing $(1) into $(VENV) ..."
$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $(1)
$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
touch $@
endef
