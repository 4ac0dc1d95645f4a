# Two commands are enough: `make demo` and `make test`. Each sets up what it needs in
# .venv, says what it does, and can be run again.

PYTHON ?= python3
ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: help demo test lint unit figures clean
help:
	@echo "make demo     hear a duet: no sound card, MIDI server or GPU needed"
	@echo "make test     lint, types, import contracts, all tests: what CI runs"
	@echo "make figures  the long measurements of benchmarks/README.md (ten minutes)"
	@echo "make clean    remove .venv and what was built"

demo: .venv/ready-to-play
	@echo "— Playing a duet, in real time; it is written to duet.mid and duet.wav."
	$(BIN)/ripieno demo

test: lint unit

lint: .venv/ready-to-test
	@echo "— Format, lint, types, import contracts."
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

unit: .venv/ready-to-test
	@echo "— Tests; what needs a server that is not installed says so and is skipped."
	$(BIN)/python -m pytest -m "not long" -rs

figures: .venv/ready-to-test
	@echo "— The long measurements; leave the machine alone meanwhile."
	$(BIN)/python -m pytest -m long -s

clean:
	rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/bare:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Ripieno needs Python 3.11 or newer; name one with make PYTHON=…"; exit 1; }
	@echo "— Making a virtual environment in .venv."
	@$(PYTHON) -m venv .venv || \
	  { echo "On Debian and Ubuntu: apt-get install python3-venv, then again."; exit 1; }
	@touch $@

.venv/ready-to-play: .venv/bare pyproject.toml constraints.txt
	@echo "— Installing Ripieno and what it plays with (ONNX Runtime is 250 MB)."
	$(PIP) --editable .
	@touch $@

.venv/ready-to-test: .venv/bare pyproject.toml constraints.txt
	@echo "— Installing PyTorch for the tests of training (torch first: see constraints.txt)."
	$(PIP) torch
	@echo "— Installing Ripieno, its training side and the test tools."
	$(PIP) --editable ".[dev,export]"
	@touch $@ .venv/ready-to-play
