# Needs Python 3.11 or newer with pip, nothing else. `make help` lists what there is.
.DEFAULT_GOAL := help
SHELL := /bin/sh
.SUFFIXES:
.DELETE_ON_ERROR:

PYTHON ?= python3
ARGS ?=

BIN := .venv/bin
UV := .tools/uv/bin/uv
UV_READY := .tools/uv.ready
RUN_READY := .venv/run.ready
DEV_READY := .venv/dev.ready
RUN_LOCKS := requirements/runtime.txt requirements/embedded.txt
DEV_LOCKS := $(RUN_LOCKS) requirements/dev.txt

# The system's certificates, for machines behind a private certificate authority.
export UV_SYSTEM_CERTS := 1
export UV_PYTHON_DOWNLOADS := never
# Without a home of its own (an emptied environment, a system account) uv caches beside itself.
ifneq ($(shell test -n "$$HOME" && test -w "$$HOME" && echo yes),yes)
export UV_CACHE_DIR := $(CURDIR)/.tools/cache
endif

# Handed over unexpanded, so that any file name reaches the command as it was typed.
export WORK_FILE := $(value FILE)
export WORK_CHANNEL := $(value CHANNEL)
export WORK_OUT := $(value OUT)

.PHONY: help
help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile

.PHONY: run
run: $(RUN_READY) ## Start everything on this machine: servers, web, workers, scaler, demo (PORT=8000)
	@exec $(BIN)/flask --app app.py up

.PHONY: audit
audit: $(RUN_READY) ## Say what breaks the rules in a file: FILE=… CHANNEL=… ARGS="further flags"
	@exec $(BIN)/flask --app app.py audit "$$WORK_FILE" \
	  $${WORK_CHANNEL:+--channel "$$WORK_CHANNEL"} \
	  $${WORK_OUT:+--out "$$WORK_OUT"} $(ARGS)

.PHONY: optimize
optimize: $(RUN_READY) ## Optimize a file: FILE=… CHANNEL=… OUT=… ARGS="further flags"
	@exec $(BIN)/flask --app app.py optimize "$$WORK_FILE" \
	  $${WORK_CHANNEL:+--channel "$$WORK_CHANNEL"} \
	  $${WORK_OUT:+--out "$$WORK_OUT"} $(ARGS)

.PHONY: test
test: $(DEV_READY) ## Run the tests on a real Postgres and Valkey that they start themselves
	@$(BIN)/python -m pytest $(ARGS)

.PHONY: chaos
chaos: $(DEV_READY) ## Kill workers and servers under load, write the fault table (ARGS="--row 1 --jobs 1000")
	@$(BIN)/python -m bench.chaos $(ARGS)

.PHONY: lint
lint: $(DEV_READY) ## Check style, types and the layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy .
	@$(BIN)/lint-imports

.PHONY: check
check: lint test ## lint, then test

.PHONY: format
format: $(DEV_READY) ## Lay the code out and repair what can be repaired
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: lock
lock: $(UV_READY) ## Choose package versions anew from requirements/*.in (ARGS=--upgrade: the newest)
	@for name in uv runtime embedded dev; do \
	  $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-annotate --no-emit-index-url $(ARGS) requirements/$$name.in \
	    --output-file requirements/$$name.txt || exit 1; \
	done

.PHONY: clean
clean: ## Remove what was installed, the caches and the state folder (not while it is running)
	@$(PYTHON) -m embedded.clean
	@rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Set-up. Everything it says goes to standard error: standard output belongs to the command.

$(UV_READY): requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -m pip --version >/dev/null || { \
	  echo "pip is needed; on Debian: apt-get install python3-pip" >&2; exit 1; }
	@echo "Setting up: the installer" >&2
	@rm -rf .tools/uv
	@PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 $(PYTHON) -m pip install --quiet --no-cache-dir \
	  --disable-pip-version-check --root-user-action=ignore --only-binary :all: \
	  --target .tools/uv --require-hashes -r requirements/uv.txt >&2
	@touch $@

$(RUN_READY): $(UV_READY) $(RUN_LOCKS)
	@echo "Setting up: locked packages" >&2
	@test -x $(BIN)/python || $(UV) venv --quiet --python "$(PYTHON)" --clear .venv >&2
	@$(UV) pip sync --quiet --require-hashes --python $(BIN)/python \
	  $(if $(wildcard $(DEV_READY)),$(DEV_LOCKS),$(RUN_LOCKS)) >&2
	@touch $@

$(DEV_READY): $(RUN_READY) requirements/dev.txt
	@echo "Setting up: tools for tests and checks" >&2
	@$(UV) pip sync --quiet --require-hashes --python $(BIN)/python $(DEV_LOCKS) >&2
	@touch $@
