# The verbs. Each does its own set-up; `make help` lists them.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := $(shell node --version 2>/dev/null | tr -d v | cut -d. -f1)

# Two threads of mathematics on two cores: more only fight each other
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help setup setup-test demo demo-clean test e2e slow test-containers test-sdk check bench docs lock efa-table clean labs

help:  ## Show the verbs
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: .venv/.ready node_modules/.ready  ## Install what synth, deploy and `yard` need; a second call does nothing

setup-test: setup .venv/.ready-test checks/asl/node_modules/.ready checks/iam/node_modules/.ready

# Only packages of these checksums, and only built ones: no setup.py of somebody else runs
LOCKED := install --disable-pip-version-check --no-deps --require-hashes --only-binary :all:

.venv/.ready: requirements.lock pyproject.toml setup.py
	@echo "== Installing the Python packages into .venv (the first time a minute or two)"
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "shardyard needs Python 3.11 or later; this is " + sys.version)'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/pip $(LOCKED) -r requirements.lock | grep --line-buffered -oE '^(Collecting [^ ]+|Installing collected packages)'; exit $${PIPESTATUS[0]}
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/.ready-test: .venv/.ready requirements-test.lock
	$(BIN)/pip $(LOCKED) --quiet -r requirements-test.lock
	@# Which build of torch suits a machine only its index knows (scripts/lock.py), so torch has a version and no checksum
	$(BIN)/pip install --quiet --disable-pip-version-check $$(grep ^torch== requirements-test.txt)
	@touch $@

node_modules/.ready: package.json package-lock.json
	@echo "== Installing the CDK command into node_modules"
	@npm ci --no-audit --no-fund --no-update-notifier --loglevel=error
	@touch $@

demo: setup  ## Train on two nodes on this machine: deploy, interrupt, resume, serve
	@$(BIN)/python -m yard.demo

demo-clean:  ## Take the demo's cloud and all that it made away
	@test -e .venv/.ready || { echo "There is nothing to clean: no demo has run in this clone."; exit 0; }; \
	$(BIN)/python -m yard.demo --clean

# First what computes, two at a time; then what starts processes and waits for them, three at a time; last, what both say.
test: setup-test  ## Unit, template, distributed and cloud tests (the one command that must pass)
	@mkdir -p build; set -o pipefail; status=0; \
	$(BIN)/pytest -n 2 --dist loadfile -m "not e2e and not slow" tests/unit tests/infra tests/docs | tee build/test-1.log || status=1; \
	$(BIN)/pytest -n 3 --dist loadfile --durations=25 -m "not e2e and not slow" tests/cloud tests/distributed | tee build/test-2.log || status=1; \
	tail -qn 1 build/test-[12].log; exit $$status

e2e: setup-test  ## Everything end to end on the embedded cloud
	$(BIN)/pytest -n 2 --dist loadfile --durations=25 -m "e2e and not slow"

slow: setup-test  ## The long rounds: each has a smaller twin in the tests above
	$(BIN)/pytest -n 2 --dist loadfile --durations=25 -m slow

test-containers: setup-test  ## The engine `docker` and our images, on a Docker daemon of their own (root)
	$(BIN)/python -m scripts.container_tests

test-sdk: setup-test .venv-sdk/.ready  ## The official SageMaker SDK against the embedded cloud
	$(BIN)/pytest -m sdk tests/sdk

labs: setup-test  ## Every lab from top to bottom on an embedded cloud of its own, each result in its range
	$(BIN)/python -m labs run all --within-minutes 25

.venv-sdk/.ready: requirements-sdk.lock
	test -x .venv-sdk/bin/python || $(PYTHON) -m venv .venv-sdk
	.venv-sdk/bin/pip $(LOCKED) --quiet -r requirements-sdk.lock
	.venv-sdk/bin/pip install --quiet --disable-pip-version-check $$(grep ^torch== requirements-sdk.txt)
	@touch $@

checks/asl/node_modules/.ready: checks/asl/package.json checks/asl/package-lock.json
	@echo "== Installing the validators of state machines into checks/asl"
	@npm ci --prefix checks/asl --no-audit --no-fund --no-update-notifier --loglevel=error
	@touch $@

checks/iam/node_modules/.ready: checks/iam/package.json checks/iam/package-lock.json
	@echo "== Installing the authorization reference and an evaluator of policies into checks/iam"
	@npm ci --prefix checks/iam --no-audit --no-fund --no-update-notifier --loglevel=error
	@touch $@

check: setup-test  ## Lint, types, who imports whom, dead code, templates, idle cost, security packs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture
	$(BIN)/python -m scripts.lock --check
	$(BIN)/shellcheck --shell=bash $$(git ls-files '*.sh' .ci/run)
	$(BIN)/python -m checks

bench: setup-test  ## Measure, and write docs/reference/benchmarks.md from what was measured
	$(BIN)/python -m benchmarks

docs: setup  ## Write the pages that are made from code
	$(BIN)/python -m scripts.write_docs

lock: setup-test  ## Write the locks anew, from the requirements
	$(BIN)/python -m scripts.lock

efa-table: setup  ## Write the launcher's EFA table from the instance catalogue
	$(BIN)/python -m scripts.make_efa_table

clean:  ## Remove all that the verbs made (the embedded cloud must be down)
	rm -rf .venv .venv-sdk .venv-toolkit build node_modules cdk.out .pytest_cache .mypy_cache .ruff_cache *.egg-info
