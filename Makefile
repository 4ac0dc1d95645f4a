# Two commands are enough: `make demo` and `make test`. Each sets up what it needs in
# .venv, says what it does, and can be run again. `make test-all` runs every test.

PYTHON ?= python3
ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# Bytecode is kept, also where the environment forbids it, as container images do. Without
# it each of the many programs that the tests start compiles all of ours again: it takes
# 1.2 s of CPU time to start instead of 0.3 (`ripieno models`, beside other load).
export PYTHONDONTWRITEBYTECODE =

# Tests that measure time, or need a JACK server, run alone and one at a time. The others
# run beside each other, each on one thread: torch's own threads would wait on each other.
ALONE := (realtime or jack)
PYTEST := $(BIN)/python -m pytest -rs
BESIDE := OMP_NUM_THREADS=1 $(PYTEST) --numprocesses auto --dist loadfile \
  --no-loadscope-reorder

.PHONY: help demo test test-all lint docs quick all figures clean
help:
	@echo "make demo     hear a duet: no sound card, MIDI server or GPU needed"
	@echo "make test     lint, types, import contracts, the guide, quick tests"
	@echo "make test-all lint, types, import contracts, the guide, every test (as CI does)"
	@echo "make docs     build the guide into build/docs, and check its links"
	@echo "make figures  the long measurements of benchmarks/README.md (ten minutes)"
	@echo "make clean    remove .venv and what was built"

demo: .venv/ready-to-play
	@echo "— Playing a duet, in real time; it is written to duet.mid and duet.wav."
	$(BIN)/ripieno demo

test: .venv/ready-to-test
	@echo "— Lint, types, import contracts and the quick tests: on two cores it takes 4"
	@echo "  minutes where each is recent and idle, 8 where it is half as fast."
	@$(MAKE) --no-print-directory lint docs quick

test-all: .venv/ready-to-test
	@echo "— Everything: it takes about 20 minutes on two recent and idle cores."
	@$(MAKE) --no-print-directory lint docs all

lint: .venv/ready-to-test
	@echo "— Format, lint, types, import contracts."
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --num-workers auto
	$(BIN)/lint-imports --no-logo

docs: .venv/ready-for-docs
	@echo "— The guide, into build/docs; a link that leads nowhere is an error."
	$(BIN)/mkdocs build --strict --quiet

quick: .venv/ready-to-test
	@echo "— Quick tests; what needs a server that is not installed is skipped."
	$(BESIDE) --hypothesis-profile quick -m "not slow and not long and not $(ALONE)"
	$(PYTEST) --hypothesis-profile quick -m "not slow and not long and $(ALONE)" \
	  --ignore tests/export

all: .venv/ready-to-test
	@echo "— All tests; what needs a server that is not installed is skipped."
	$(BESIDE) -m "not long and not $(ALONE)"
	$(PYTEST) -m "not long and $(ALONE)"

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

.venv/ready-for-docs: .venv/ready-to-play
	@echo "— Installing MkDocs."
	$(PIP) --editable ".[docs]"
	@touch $@

.venv/ready-to-test: .venv/bare pyproject.toml constraints.txt
	@echo "— Installing PyTorch for the tests of training (torch first: see constraints.txt)."
	$(PIP) torch
	@echo "— Installing Ripieno, its training side and the test tools."
	$(PIP) --editable ".[dev,docs,export]"
	@touch $@ .venv/ready-to-play .venv/ready-for-docs
