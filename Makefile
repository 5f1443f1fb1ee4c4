# `make` reproduces everything at scale quick; `make help` lists the rest.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := all
MAKEFLAGS += --no-print-directory

# What a user may set: make PYTHON=python3.12 CORES=4 PIP_OPTIONS='--extra-index-url …' ARGS='--config seeds=2 -- nnrnn'
CORES ?= all
PIP_OPTIONS ?=
ARGS ?=
# The first Python that is new enough; its name alone proves nothing (a version manager's shim may lead nowhere).
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13; do \
    $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)

VENV := .venv
BIN := $(VENV)/bin
# A changed requirements.txt makes a new environment, and an interrupted installation leaves no stamp.
STAMP := $(VENV)/.installed-$(shell cat requirements.txt | (sha256sum 2>/dev/null || shasum -a 256) | cut -c1-16)
PIP := $(BIN)/python -m pip --disable-pip-version-check install $(PIP_OPTIONS)
SNAKEMAKE := $(BIN)/python workflow/scripts/launch.py --cores $(CORES)
TINY := build/tiny

.PHONY: all quick test test-slow test-slurm test-faults faults lint format tiny readme bench report venv clean help

all: venv  ## set up .venv and run the whole pipeline at the scale of config/config.yaml (quick)
	@$(SNAKEMAKE) $(ARGS)

quick: venv  ## the whole pipeline at scale quick, whatever config/config.yaml says
	@$(SNAKEMAKE) --config scale=quick

test: venv  ## the default test suite (under five minutes on two cores)
	@$(BIN)/python -m pytest -q -n auto --dist loadfile $(ARGS)

test-slow: venv  ## the slow tests: real optimiser steps at the papers' shapes, killed pipelines, ...
	@$(BIN)/python -m pytest -q -n auto --dist worksteal -m "slow and not gpu and not slurm" $(ARGS)

test-slurm: venv  ## the pipeline on a real SLURM of one node, started and stopped here; needs Debian's packages and root
	@$(BIN)/python -m tests.slurm $(ARGS)

test-faults: venv  ## twenty seeded trials of the fault suite: kills, full disks, damaged files, ...
	@$(BIN)/python -m tests.faults --trials 20 $(ARGS)

faults: venv  ## three hundred trials of the fault suite, their table written to docs/faults.md
	@$(BIN)/python -m tests.faults --trials 300 --table docs/faults.md $(ARGS)

lint: venv  ## ruff, snakefmt and Snakemake's own linter
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { echo "error: unformatted Python; mend with: make format" >&2; exit 1; }
	@$(BIN)/snakefmt --check Snakefile workflow 2>/dev/null || { echo "error: unformatted rules; mend with: make format" >&2; exit 1; }
	@$(BIN)/snakemake --lint 2>&1 | grep -v '^Using workflow'
	@echo "lint: clean"

format: venv  ## bring Python and the rules into the form that lint asks for
	@$(BIN)/ruff format --quiet .
	@$(BIN)/snakefmt Snakefile workflow 2>/dev/null

tiny: venv  ## the pipeline on two papers with three experiments of twenty steps, in build/tiny
	@rm -rf $(TINY) && mkdir -p $(TINY) && cp -R tests/workflow/config $(TINY)/config
	@$(SNAKEMAKE) --directory $(TINY) $(ARGS)

readme: venv  ## write docs/results.md and the results block of README.md from reference/
	@$(BIN)/python -m rnnrepro readme

bench: venv  ## time the engine against its peers, into results/bench: some four minutes on a quiet machine
	@$(BIN)/python -m rnnrepro bench $(ARGS)

report: venv  ## Snakemake's own report of what has been run, as build/report.zip
	@mkdir -p build && $(BIN)/snakemake --report build/report.zip $(ARGS)

venv: $(STAMP)  ## set up .venv from requirements.txt alone

$(STAMP):
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or newer found; install one, or name it: make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "error: $(PYTHON) has no venv module; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "Setting up $(VENV) with $(PYTHON): 2.7 GB, a minute or two on a fast network (log: $(VENV)/pip.log)"
	@rm -rf $(VENV) && $(PYTHON) -m venv $(VENV)
	@$(PIP) --progress-bar off -r requirements.txt 2>&1 | tee $(VENV)/pip.log \
	    | { grep --line-buffered -Eo 'Downloading .*[0-9]{2}(\.[0-9])? MB\)|^Installing collected packages|^ERROR.*' || true; }
	@$(PIP) --quiet --no-deps --editable .
	@touch $@
	@echo "$(VENV) is set up. To call rnnrepro and snakemake by their names: source $(VENV)/bin/activate"

clean:  ## remove .venv and the tiny run; results, state and resources stay
	@rm -rf $(VENV) build

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
