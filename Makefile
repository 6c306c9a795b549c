# Every target does its own set-up in .venv and prints what it does.
#
#   PYTHON  the Python that .venv is made from             make test PYTHON=python3.12
#   ARGS    passed on to what the target runs              make test ARGS="-k connect_four"
#   SECONDS how long the core is fuzzed                    make fuzz SECONDS=600

PYTHON ?= python3
ARGS ?=
SECONDS ?= 60

VENV := .venv
BUILD := build
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
comma := ,

# What builds the package without isolation, so that an edit rebuilds only what it touched.
# The same as in pyproject.toml; a test holds them together.
BUILD_TOOLS := "meson-python>=0.17" "Cython>=3.1,<3.4" "ninja>=1.11"

export PATH := $(CURDIR)/$(BIN):$(PATH)

.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help run test test-torch sanitize fuzz lint format proto bench bench-quick quality chaos build clean distclean

help: ## Lists the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(BUILD)/.examples ## Starts a server and plays real environments against it (about 80 s)
	@$(rebuild)
	@echo "== play"
	@$(BIN)/python examples/run.py $(ARGS)

test: $(BUILD)/.dev ## Runs the tests
	@$(rebuild)
	@echo "== pytest"
	@$(BIN)/python -m pytest $(ARGS)

test-torch: $(BUILD)/.torch ## Runs the tests of models that torch trains
	@$(rebuild)
	@echo "== pytest, with torch"
	@$(BIN)/python -m pytest tests/learning/fit/torch $(ARGS)

sanitize: $(BUILD)/.dev ## Runs the native tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@echo "== native tests under sanitizers"
	@MCTS_REQUIRE_SANITIZERS=1 $(BIN)/python -m pytest tests/native -v $(ARGS)

fuzz: $(BUILD)/.dev ## Fuzzes the core for SECONDS (60), then the planner: ARGS="--hypothesis-seed=1"
	@$(rebuild)
	@scripts/fuzz.sh $(SECONDS) $(BUILD)/fuzz
	@echo "== the planner, by Hypothesis"
	@MCTS_FUZZ_EXAMPLES=600 $(BIN)/python -m pytest tests/fuzz $(ARGS)

lint: $(BUILD)/.dev ## Checks style, types, .proto files and the direction of imports
	@$(rebuild)
	@echo "== ruff check"
	@$(BIN)/ruff check .
	@echo "== ruff format --check"
	@$(BIN)/ruff format --check .
	@echo "== mypy --strict"
	@$(BIN)/mypy
	@echo "== buf lint"
	@$(BIN)/buf lint
	@echo "== lint-imports"
	@$(lint_imports) --no-logo

format: $(BUILD)/.dev ## Formats the code and mends what ruff can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

proto: $(BUILD)/.dev ## Generates mcts_service/v1 from proto/
	$(BIN)/python proto/generate.py

bench: $(BUILD)/.bench ## Measures speed beside limits and peers (under 20 min)
	@$(rebuild)
	@echo "== benchmarks"
	@$(BIN)/python benchmarks/run.py $(ARGS)

bench-quick: $(BUILD)/.bench ## The same in under three minutes: does everything work?
	@$(MAKE) --no-print-directory bench ARGS="--quick $(ARGS)"

quality: $(BUILD)/.quality ## Measures how good the plans are (110 min, goes on from the last run; ARGS=--quick)
	@$(rebuild)
	@echo "== quality of the plans"
	@$(BIN)/python -m benchmarks.quality.run $(ARGS)

chaos: $(BUILD)/.dev ## Tries what can go wrong around a server (an hour; ARGS=--short: minutes)
	@$(rebuild)
	@echo "== chaos"
	@$(BIN)/python -m benchmarks.chaos.run $(ARGS)

build: $(BUILD)/.dev ## Compiles and installs the package in .venv, editable, with all tools
	@$(rebuild)
	@echo "ready: $(BIN)/python, $(BIN)/mcts-service"

clean: ## Removes what was built and all caches; keeps .venv
	rm -rf $(BUILD) dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find mcts_service clients tests examples benchmarks -name __pycache__ -prune -exec rm -rf {} +

distclean: clean ## Removes .venv too
	rm -rf $(VENV)

rebuild = $(BIN)/ninja -C $(BUILD) --quiet

# The linter reads packages where they lie, which the finder of an editable install hides.
lint_imports = MESONPY_EDITABLE_SKIP=$(CURDIR)/$(BUILD) PYTHONPATH=clients/python $(BIN)/lint-imports

# $(call install,EXTRAS): the package, editable, with optional dependencies.
define install
@scripts/prerequisites.sh "$(BIN)/python"
@echo "== install mcts-service[$(1)] in $(VENV)"
@$(PIP) install $(BUILD_TOOLS)
@$(PIP) install --no-build-isolation --config-settings=build-dir=$(BUILD) --editable ".[$(1)]"
@touch $@
endef

# Stamps lie in the build folder, because an editable install without it is broken.
$(BUILD)/.examples: $(VENV)/pyvenv.cfg pyproject.toml
	$(call install,examples)

$(BUILD)/.dev: $(VENV)/pyvenv.cfg pyproject.toml
	$(call install,dev)
	@touch $(BUILD)/.examples

# This peer comes as a source, and what builds it is not among our build tools.
$(BUILD)/.bench: $(BUILD)/.dev
	@$(PIP) install "pymdptoolbox>=4.0b3"
	$(call install,dev$(comma)bench)

# Any torch of the extra will do; with the version named, no download depends on the day.
$(BUILD)/.torch: $(BUILD)/.dev
	@echo "== install torch in $(VENV)"
	@$(PIP) install "torch==2.13.0"
	$(call install,dev$(comma)torch)

$(BUILD)/.quality: $(BUILD)/.dev
	$(call install,dev$(comma)quality)

# pip from ensurepip, or, where Debian left that out, a copy made by the system's own pip.
# A build folder of an older environment would point to a Python that is gone.
$(VENV)/pyvenv.cfg:
	@scripts/prerequisites.sh "$(PYTHON)"
	@echo "== create $(VENV) ($$($(PYTHON) --version))"
	@rm -rf $(VENV) $(BUILD)
	@if $(PYTHON) -c 'import ensurepip' 2>/dev/null; then \
	  $(PYTHON) -m venv $(VENV); \
	else \
	  $(PYTHON) -m venv --without-pip $(VENV) && \
	  $(PYTHON) -m pip --quiet install --target \
	    "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" pip; \
	fi
	@$(PIP) install "pip>=23.1"
