# make app: set up whatever is missing and start WhyRank.   make test: the tests.   make check: all that must pass.
SHELL := /bin/bash
.NOTPARALLEL:
.DELETE_ON_ERROR:

export WHYRANK_HOME ?= $(CURDIR)/var
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
DEPENDENCIES := .venv/dependencies.stamp
INSTALLED := .venv/installed.stamp
DEVELOPMENT := .venv/development.stamp
RAY := .venv/ray.stamp
CHROMIUM := /usr/bin/chromium
POSTGRESQL := $(shell command -v initdb || ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null | tail -1)
# Only its Lucene jar is used, so its own dependencies stay out.
PYSERINI := pyserini==1.6.0
# $(call timed,NAME) COMMAND: run a command and say how long it took.
timed = @TIMEFORMAT='[make] $(1): %0lR'; time

.PHONY: app test test-ray e2e soak model-test test-vllm test-vllm-model check format lint types layers bench model
.PHONY: dependencies install chromium postgresql clean help

app: model  ## Set up what is missing, then start worker and app on 127.0.0.1.
	@$(BIN)/whyrank collection sample
	@$(BIN)/whyrank app

test: $(DEVELOPMENT) postgresql  ## Unit, contract and page tests.
	$(call timed,test) $(BIN)/pytest -m "not e2e and not model and not vllm and not ray"

test-ray: $(RAY)  ## Jobs on a Ray head of its own; installs the extra `ray`.
	$(call timed,test-ray) $(BIN)/pytest -m ray tests/training/test_on_ray.py tests/training/test_askers.py

e2e: $(DEVELOPMENT) chromium  ## The whole loop in a real browser.
	$(call timed,e2e) $(BIN)/pytest -m e2e tests/e2e

soak: $(DEVELOPMENT)  ## App and worker killed 50 times at random moments while somebody judges.
	$(call timed,soak) env KILLS=$(or $(KILLS),50) $(BIN)/pytest -m e2e tests/e2e/test_soak.py

model-test: $(DEVELOPMENT) model  ## The real 0.5B model on a few documents.
	$(call timed,model-test) $(BIN)/pytest -m "model and not vllm"

test-vllm: $(DEVELOPMENT)  ## A real vLLM server with a tiny model; sets vLLM up in WHYRANK_VLLM_HOME.
	$(call timed,vllm) $(BIN)/whyrank serve --setup
	$(call timed,test-vllm) $(BIN)/pytest -m "vllm and not model"

test-vllm-model: $(DEVELOPMENT) model  ## The real 0.5B model by vLLM and in process: the same grades.
	$(call timed,vllm) $(BIN)/whyrank serve --setup
	$(call timed,test-vllm-model) $(BIN)/pytest -m "vllm and model"

check: format lint types layers test e2e model-test  ## All that must pass before a change lands.

format: $(DEVELOPMENT)
	$(call timed,format) $(BIN)/ruff format --check .

lint: $(DEVELOPMENT)
	$(call timed,lint) $(BIN)/ruff check .

types: $(DEVELOPMENT)
	$(call timed,types) $(BIN)/mypy

layers: $(DEVELOPMENT)
	$(call timed,layers) $(BIN)/lint-imports

bench: $(DEVELOPMENT) model  ## Measure; writes BENCHMARKS.md and bench.json in WHYRANK_HOME.
	$(call timed,bench) $(BIN)/python -m benchmarks

model: $(INSTALLED)  ## Fetch the base model.
	$(call timed,model) $(BIN)/whyrank model fetch

dependencies: $(DEPENDENCIES)

install: $(INSTALLED)  ## Install what WhyRank runs on; `whyrank` is then .venv/bin/whyrank. The Dockerfile does this too.

clean:  ## Remove the environment and caches; WHYRANK_HOME stays.
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache test-results

help:  ## What can be made.
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null || { \
	  echo "WhyRank needs Python 3.11, 3.12 or 3.13; '$(PYTHON)' is not one ($$($(PYTHON) --version 2>&1))." >&2; \
	  echo "Install one (Debian: apt-get install python3 python3-venv), or name it: make PYTHON=/path/to/python3.11" >&2; \
	  exit 1; }
	@$(PYTHON) -m venv .venv || { \
	  rm -rf .venv; echo "The environment can't be made. On Debian: apt-get install python3-venv" >&2; exit 1; }

$(DEPENDENCIES): .venv/bin/python requirements.lock
	@echo "Installing what WhyRank runs on; this takes a few minutes once."
	$(call timed,dependencies) { $(BIN)/python -m pip install -qq -r requirements.lock \
	  && $(BIN)/python -m pip install -qq --no-deps $(PYSERINI) ; }
	@touch $@

$(INSTALLED): $(DEPENDENCIES) pyproject.toml
	$(call timed,install) $(BIN)/python -m pip install -qq --no-deps --no-build-isolation --editable .
	@touch $@

$(DEVELOPMENT): $(INSTALLED) requirements-dev.lock
	$(call timed,install-dev) $(BIN)/python -m pip install -qq --no-deps -r requirements-dev.lock
	@touch $@

$(RAY): $(DEVELOPMENT) requirements-ray.lock
	$(call timed,install-ray) $(BIN)/python -m pip install -qq --no-deps -r requirements-ray.lock
	@touch $@

chromium:
	@test -x $(CHROMIUM) || { if [ -n "$$CI" ] && [ "$$(id -u)" = 0 ]; then \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	  else echo "The browser tests need $(CHROMIUM): apt-get install chromium" >&2; exit 1; fi; }

postgresql:
	@test -n "$(POSTGRESQL)" || { if [ -n "$$CI" ] && [ "$$(id -u)" = 0 ]; then \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql >/dev/null; \
	  else echo "The tests on PostgreSQL are skipped: apt-get install postgresql" >&2; fi; }
