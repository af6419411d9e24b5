# Needs make and Python 3.11 or newer; every target makes the virtual environment `.venv` when it is missing or out of
# date. `make bench` prints one JSON object and nothing else on standard output, so what prepares it speaks on standard
# error.

NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))'
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
  $$p $(NEW_ENOUGH) 2>/dev/null && echo $$p && break; done)
SEED ?= 1
BIN := .venv/bin
READY := .venv/.ready
MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := help
.PHONY: help demo test test-all check docs docs-write api-snapshot bench system-tools clean

help:
	@echo 'make demo          carry out an access and an erasure request against local stand-ins'
	@echo 'make test          the tests, with a sample of the exhaustive ones (SEED=1); five minutes at most'
	@echo 'make test-all      every case of every test; thirty minutes at most'
	@echo 'make check         style, types, spelling, packaging, documentation'
	@echo 'make docs          the documentation site, into build/site; every warning is an error'
	@echo 'make docs-write    write what the documentation quotes from the program: help, settings, schemas'
	@echo 'make api-snapshot  accept a change of the public API, which the tests compare with tests/meta/api'
	@echo 'make bench         the measurements, as one JSON object'
	@echo 'make system-tools  install the Debian packages that some tests use'
	@echo 'make clean         remove what these targets made'

demo: $(READY)
	@$(BIN)/hub demo

test: $(READY)
	$(BIN)/pytest -n auto --sample-seed=$(SEED)

test-all: $(READY)
	$(BIN)/pytest -n auto --exhaustive --timeout=600

check: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy --config-file examples/hub-connector-example/pyproject.toml
	$(BIN)/codespell
	$(BIN)/validate-pyproject pyproject.toml
	@$(MAKE) docs

# Material for MkDocs prints an appeal to leave MkDocs before every build, unless told not to.
docs: $(READY)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build
	@echo 'The documentation site is build/site/index.html'

docs-write: $(READY)
	@$(BIN)/python tools/docs/write.py

api-snapshot: $(READY)
	@$(BIN)/python tests/meta/api/render.py

bench: $(READY)
	@$(BIN)/python benchmarks/run.py

# 7-Zip opens an encrypted export with a program nobody here wrote.
system-tools:
	@if command -v 7z >/dev/null; then \
	  echo 'system-tools: 7z is there, nothing to install'; \
	elif ! command -v apt-get >/dev/null; then \
	  echo 'system-tools: no apt-get here; install 7-Zip (7z) by hand to have exports opened by it in the tests'; \
	else \
	  echo 'system-tools: installing the Debian package p7zip-full with apt-get'; \
	  if [ "$$(id -u)" = 0 ]; then as=; else as=sudo; fi; \
	  $$as apt-get update -qq && $$as apt-get install -y -qq --no-install-recommends p7zip-full; \
	fi

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml
	@'$(PYTHON)' $(NEW_ENOUGH) 2>/dev/null || { \
	  echo 'The hub needs Python 3.11 or newer. Install it, or name it: make PYTHON=/path/to/python3.11 …' >&2; exit 1; }
	@test -x $(BIN)/pip || '$(PYTHON)' -m venv .venv >&2 || { \
	  echo 'Python cannot make virtual environments; on Debian: apt-get install python3-venv' >&2; exit 1; }
	@echo 'Installing the hub and its tools into .venv' >&2
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]' >&2
	@touch $@
