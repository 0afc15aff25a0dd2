# Every target sets itself up from a bare Python 3.11 with pip and venv; the second time it starts at once.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
OLDEST := .venv-oldest
# What depends on versions, besides a call of every function: the doors, scikit-learn's checks, whole stories, a job.
AT_DOORS := tests/capabilities $(patsubst %,tests/test_%.py,\
	frames schema schema_errors lead_classifier churn_classifier rfm evaluation batch_nights)

# Two test workers on two cores: a pool of threads in each would only wait for the other's.
test check test-oldest: export OMP_NUM_THREADS = 1
# The tests start a hundred processes: compiling crmkit anew takes each of them a second.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test test-oldest check bench bench-full docs clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.demo  ## segment 23,570 real customers: tables and one page under out/
	$(BIN)/crmkit demo

test: $(VENV)/.dev  ## everything: lint, types, all tests on all engines, doctests, README, wheel
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --dist loadgroup --no-loadscope-reorder --doctest-modules crmkit tests

check: $(VENV)/.dev  ## the quick round: lint, types, tests without Spark, doctests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --dist loadgroup --no-loadscope-reorder -m "not spark" --doctest-modules crmkit tests

test-oldest: $(OLDEST)/.installed  ## the oldest versions that pyproject.toml claims: every function, and what meets them (minutes)
	$(OLDEST)/bin/python -m tests.every_room
	$(OLDEST)/bin/python -m pytest -n 2 --dist loadgroup --no-loadscope-reorder -m "not spark" $(AT_DOORS)

# BENCH passes words on: make bench BENCH="--only rfm --scale .1"
bench: $(VENV)/.bench  ## speed, memory and errors beside the peers, small sizes (minutes)
	$(BIN)/python -m benchmarks $(BENCH)

bench-full: $(VENV)/.bench  ## the same at the sizes of the targets (an hour), and the pages of the documentation
	$(BIN)/python -m benchmarks --full --minutes 60 $(BENCH); status=$$?; $(BIN)/python -m benchmarks page; exit $$status

docs: $(VENV)/.docs  ## build the documentation under site/
	$(BIN)/mkdocs build --strict

clean:  ## remove what the targets made
	rm -rf $(VENV) $(OLDEST) .cache out site dist

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"

$(OLDEST)/.installed: pyproject.toml tests/oldest.py
	$(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python tests/oldest.py pyproject.toml > $(OLDEST)/oldest.txt
	$(OLDEST)/bin/python -m pip install --quiet --constraint $(OLDEST)/oldest.txt --editable ".[report,batch,polars,arrow,lifetimes]" \
		pytest pytest-xdist hypothesis mpmath sqlalchemy django
	@touch $@

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable ".[report,batch,lifetimes]"
	@touch $@

$(VENV)/.dev $(VENV)/.bench $(VENV)/.docs: $(VENV)/.%: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable . --group $*
	@touch $@
