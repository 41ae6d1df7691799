# The verbs of this project; `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench reference page wheel clean

help: ## List these verbs
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.installed ## Start the appliance, train a model on it, bring it live and ask it
	@PATH="$(CURDIR)/$(BIN):$$PATH" scripts/demo

# Hundreds of Python programs are started, and what they import is compiled once, whatever this shell says.
test: export PYTHONDONTWRITEBYTECODE =
test: $(VENV)/.installed-dev ## Run every test; those that need Docker only where an engine answers
	$(BIN)/python scripts/build_page.py run --silent test
	$(BIN)/pytest -n 2 --dist loadgroup $(TESTS)

check: $(VENV)/.installed-dev ## Lint, types, layers, generated files
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/reference.py --check
	$(BIN)/python scripts/openapi.py --check
	$(BIN)/python scripts/build_page.py run --silent check

format: $(VENV)/.installed-dev ## Format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/.installed-dev ## Measure what the appliance costs; prints a table, writes bench.json
	$(BIN)/python -m bench

reference: $(VENV)/.installed-dev ## Write docs/reference.md and web/openapi.json anew
	$(BIN)/python scripts/reference.py
	$(BIN)/python scripts/openapi.py

page: $(VENV)/.installed-dev ## Build the web page anew
	$(BIN)/python scripts/build_page.py

wheel: $(VENV)/.installed-dev ## Build the wheel into dist/
	$(BIN)/pip wheel --no-deps --wheel-dir dist .

clean: ## Remove what was installed and built here; the appliance's data stays
	rm -rf $(VENV) dist build bench.json web/node_modules easymaker_local/page

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.installed
