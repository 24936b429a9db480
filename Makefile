# Everything a checkout needs. `make` alone lists the targets.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check -q

RUNTIME := $(VENV)/.installed-runtime
FULL    := $(VENV)/.installed-full
BENCH   := $(VENV)/.installed-bench
PEERS   := $(VENV)/.installed-peers
DOCS    := $(VENV)/.installed-docs
SUPPLY  := $(VENV)/supply
KERNELS := $(VENV)/.compiled
DEMO    := results/quickstart

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help demo test test-slow test-twice test-kills test-wheel test-minimum test-bounds test-fences test-peers fuzz explore mutants lint bench docs lock audit sbom endurance clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# `make -j clean test` must not delete what is being installed.
ifneq ($(filter clean,$(MAKECMDGOALS)),)
.NOTPARALLEL:
endif

$(RUNTIME): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "hybrid-train needs Python 3.11 or newer, but PYTHON=$(PYTHON) is `$(PYTHON) --version 2>&1`;" \
	       "name another one: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@echo "installing hybrid-train into $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install -c constraints.txt -e .
	@touch $@

$(FULL): $(RUNTIME)
	@echo "installing what tests and linters need into $(VENV)"
	@$(PIP) install -c constraints.txt -e '.[test,lint]'
	@touch $@

# The finders' kernels side by side (the scan's are among them); what both need, one compiles and the other waits for.
$(KERNELS): $(RUNTIME)
	@echo "compiling the kernels of the demo, once"
	@for finder in hsr grover; do \
	  $(BIN)/hybrid-train compare examples/quickstart.toml --finders $$finder --index neurons,data \
	    --set training.steps=2 --quiet --json > /dev/null & done; wait
	@touch $@

demo: $(KERNELS) ## train one network with scan, tree and Grover search; table and pictures in results/quickstart
	@rm -rf $(DEMO)
	$(BIN)/hybrid-train compare examples/quickstart.toml --finders scan,hsr,grover --index neurons,data --out $(DEMO)

test: $(FULL) ## run the tests; those that compare with other libraries are skipped where these are missing
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

test-slow: $(FULL) ## run the tests that are long by nature: builds, kills, long work
	$(BIN)/python -m pytest -n 2 --dist worksteal -m slow

$(PEERS): $(FULL)
	@echo "installing the libraries that tests compare with into $(VENV)"
	@$(PIP) install -c constraints.txt -e '.[peers,art,physical]'
	@touch $@

test-peers: $(PEERS) ## install PyTorch, FAISS and ART, and run the tests that compare with them
	$(BIN)/python -m pytest -m peers

test-bounds: $(FULL) ## run every test with Numba's bounds checks on
	NUMBA_BOUNDSCHECK=1 $(BIN)/python -m pytest -n 2

test-fences: $(FULL) ## run the tests of the classical parts with every array at a page that nobody may touch
	$(BIN)/python -m pytest -n 2 -p tests.support.fence_all tests/classical tests/hybrid_train/finder
	FENCE=start $(BIN)/python -m pytest -n 2 -p tests.support.fence_all tests/classical tests/hybrid_train/finder

test-wheel: $(FULL) ## build the wheel and use it where no source can be seen (WHEEL="--python python3.13 --versions newest")
	$(BIN)/python -m tests.support.out_of_sight $(WHEEL)

test-minimum: $(FULL) ## the same with the oldest versions that pyproject.toml allows
	$(BIN)/python -m tests.support.out_of_sight --versions minimum

test-twice: $(FULL) ## run every example in a process that compiles its kernels and in one that finds them compiled
	HYBRID_TRAIN_TWICE=1 $(BIN)/python -m pytest tests/examples/test_twice.py

test-kills: $(FULL) ## kill commands at 200 random moments and take them up again (KILLS=1000 SEED=1)
	HYBRID_TRAIN_KILLS=$(or $(KILLS),200) HYBRID_TRAIN_SEED=$(or $(SEED),0) \
	  $(BIN)/python -m pytest -s tests/together/test_resuming.py -k random_moments

fuzz: $(FULL) ## read thousands of hostile files with little memory and little time (FUZZ="--seed 1 --count 9000")
	$(BIN)/python -W ignore -m tests.support.file_fuzzing $(FUZZ)

explore: $(FULL) ## play thousands of random histories of finders and trainings, and whole runs (EXPLORE=1000 for each law)
	$(BIN)/python -m pytest -n 2 -p tests.support.explored --hypothesis-profile=explore \
	  tests/together/test_finder_laws.py tests/together/test_symmetries.py

mutants: $(FULL) ## make each of the listed mistakes in a copy of the tree and see that a test notices (MUTANTS="--only searches:")
	$(BIN)/python -m tests.support.mutants $(MUTANTS)

endurance: $(FULL) ## train 10^4 steps and search 10^4 times: memory, threads and descriptors stay flat, misses within delta
	HYBRID_TRAIN_ENDURANCE=10000 $(BIN)/python -m pytest -s tests/together/test_company.py \
	  tests/circuits/engines/test_engines.py tests/circuits/strategies/test_ending.py \
	  -k "long_work or long_searching or within_delta"

lint: $(FULL) ## check style, formatting, types and the layering of the packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(BENCH): $(RUNTIME)
	@echo "installing what benchmarks compare with into $(VENV)"
	@$(PIP) install -c constraints.txt -e '.[bench]'
	@touch $@

bench: $(BENCH) ## run every benchmark in its quick form
	@for script in benchmarks/[!_]*.py; do \
	echo "$(BIN)/python $$script --quick"; $(BIN)/python "$$script" --quick || exit 1; done

$(DOCS): $(RUNTIME)
	@echo "installing what the documentation is built with into $(VENV)"
	@$(PIP) install -c constraints.txt -e '.[docs]'
	@touch $@

docs: $(DOCS) ## build the documentation in docs/_build/html; a warning is an error
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

lock: ## resolve every dependency afresh and pin the versions (not the builds) in constraints.txt
	@scratch=`mktemp -d` && trap 'rm -rf "$$scratch"' EXIT && \
	$(PYTHON) -m venv "$$scratch" && \
	"$$scratch/bin/python" -m pip --disable-pip-version-check -q install -e '.[test,lint,bench,peers,art,physical,sweep,docs]' && \
	{ sed '/^[^#]/,$$d' constraints.txt && \
	  "$$scratch/bin/python" -m pip --disable-pip-version-check freeze --exclude-editable | sed 's/+.*//' | LC_ALL=C sort -f; } \
	  > "$$scratch/constraints.txt" && \
	cp "$$scratch/constraints.txt" constraints.txt

$(SUPPLY)/.installed: Makefile
	@echo "installing pip-audit and cyclonedx-bom into $(SUPPLY)"
	@mkdir -p $(VENV) && $(PYTHON) -m venv $(SUPPLY)
	@$(SUPPLY)/bin/python -m pip --disable-pip-version-check -q install pip-audit==2.10.1 cyclonedx-bom==7.5.0
	@touch $@

audit: $(SUPPLY)/.installed ## ask an advisory service about every pinned package; says so where it cannot be asked
	@$(PYTHON) -m tests.support.audit $(SUPPLY)/bin/pip-audit constraints.txt

sbom: $(SUPPLY)/.installed ## write dist/sbom.cdx.json, the pinned packages as CycloneDX
	@mkdir -p dist
	@PYTHONWARNINGS=ignore $(SUPPLY)/bin/cyclonedx-py requirements constraints.txt --pyproject pyproject.toml \
	  --output-reproducible --of JSON -o dist/sbom.cdx.json
	@echo dist/sbom.cdx.json

clean: ## remove the virtual environment, caches, build outputs and the demo's results
	rm -rf $(VENV) $(DEMO) build dist docs/_build docs/gallery docs/api/generated *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
