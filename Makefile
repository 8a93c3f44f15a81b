# The python3 that is found first, unless it was compiled without profile-guided optimisation (as pyenv does unasked), which makes
# everything slower: then the system's, which is optimised, where that is new enough and can make an environment.
OPTIMISED := import sys, sysconfig; sys.exit("--enable-optimizations" not in sysconfig.get_config_var("CONFIG_ARGS"))
SUFFICIENT := import ensurepip, sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell python3 -c '$(OPTIMISED)' 2>/dev/null || ! /usr/bin/python3 -c '$(SUFFICIENT)' 2>/dev/null \
	&& echo python3 || echo /usr/bin/python3)
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SYSTEM := $(PYTHON) -m deploy.local.packages

# Every program that is started would compile all modules again: what is compiled is kept.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help install packages run test test-slow simulate chaos lint format docs lock bench clean

help: ## what you can ask for
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## the Python environment in .venv

$(STAMP): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'Timeball needs Python 3.11 or newer: make PYTHON=python3.12 …'; exit 1; }
	@$(SYSTEM) python3-venv
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@
	@echo 'installed; in every terminal: source $(BIN)/activate    (then `timeball` is a command)'

packages: ## the system packages: RabbitMQ to run, PostgreSQL and Chromium to test as well
	@$(SYSTEM) rabbitmq-server postgresql
	@$(SYSTEM) chromium-headless-shell || $(SYSTEM) chromium || echo 'no chromium: the tests of the page are skipped'

run: install ## everything on this machine (TIMEBALL_BROKER_URL: with that broker instead of a private one)
	@[ -n "$$TIMEBALL_BROKER_URL" ] || $(SYSTEM) rabbitmq-server
	@exec $(BIN)/timeball up $(ARGS)

# Many files wait for real time (tests/support/order.py), so more of them than there are cores run side by side.
SIDE_BY_SIDE := --numprocesses 6 --dist loadfile --no-loadscope-reorder

test: install packages ## every test (ARGS="-k word tests/unit" for some)
	@exec $(BIN)/pytest $(SIDE_BY_SIDE) $(ARGS)

test-slow: install packages ## the same with each core shared with a busy loop and each commit 20 ms slower
	@exec $(BIN)/python -m tests.slow $(SIDE_BY_SIDE) $(ARGS)

simulate: install ## the whole system under virtual time (ARGS="--seeds 0:1000 --processes 2")
	@exec $(BIN)/python -m tests.simulation $(ARGS)

chaos: install packages ## real processes and their broker killed, frozen and restarted at random (ARGS="--seconds 60 --seed 7")
	@exec $(BIN)/python -m tests.chaos $(ARGS)

lint: install ## style, types, architecture
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: install ## rewrite the code in house style
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

docs: install ## write docs/events.md anew from the events
	$(BIN)/python -m shared.contract

PIP_COMPILE = $$tools/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header --no-annotate

lock: ## choose the versions of all dependencies anew within pyproject.toml (ARGS=--upgrade for the newest)
	@tools=$$(mktemp -d) && trap 'rm -rf "$$tools"' EXIT \
		&& $(PYTHON) -m venv "$$tools" \
		&& "$$tools/bin/pip" install --quiet pip-tools \
		&& $(PIP_COMPILE) $(ARGS) -o requirements.lock pyproject.toml \
		&& $(PIP_COMPILE) $(ARGS) --extra dev -o requirements-dev.lock pyproject.toml

bench: install packages ## the benchmarks
	@exec $(BIN)/python -m benchmarks $(ARGS)

clean: ## remove the environment and the caches (your data in var/ stays)
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
