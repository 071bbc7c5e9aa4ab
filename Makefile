# The interpreter that the environment is made with: make PYTHON=/path/to/python3.12
PYTHON ?= python3
# Further arguments of a command: make run ARGS="--raw elsewhere"
ARGS ?=

# A newer interpreter is looked for only where none was named.
CANDIDATES := $(PYTHON) $(if $(filter file,$(origin PYTHON)),python3.13 python3.12 python3.11)
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
BIN := .venv/bin
STAMP := .venv/.stamp

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run ui test bench lint format docs screenshots lock clean

help:  ## List what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

run: $(STAMP)  ## Process what is new under data/raw and publish it under data/curated
	@$(BIN)/kzz run $(ARGS)

ui: $(STAMP)  ## Open the web interface on this machine
	@exec $(BIN)/kzz ui $(ARGS)

test: lint  ## Check style and types, then run the tests
	$(BIN)/pytest -q $(ARGS)

bench: $(STAMP)  ## Measure speed and memory beside their floors
	@$(BIN)/python -m bench $(ARGS)

lint: $(STAMP)  ## Check style and types
	$(BIN)/ruff check --quiet --output-format concise .
	$(BIN)/ruff format --check --output-format concise --quiet .
	$(BIN)/mypy --no-error-summary

format: $(STAMP)  ## Format the code and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(STAMP)  ## Write the generated pages of docs/ again
	@$(BIN)/kzz docs $(ARGS)

screenshots: $(STAMP)  ## Take the README's pictures of the web interface again (needs chromium and chromedriver)
	KZZ_SCREENSHOTS=docs/images $(BIN)/pytest -q -m browser

lock: $(STAMP)  ## Pin what pyproject.toml asks for; ARGS=--upgrade takes the newest
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --only-binary :all: \
	    --generate-hashes --annotation-style line --no-strip-extras --no-emit-index-url --no-emit-find-links \
	    --custom-compile-command "make lock" --quiet --output-file requirements.lock $(ARGS)

clean:  ## Remove the environment, caches and build output; published tables stay
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment that works is kept; one whose making was interrupted is made again.
$(STAMP): requirements.lock pyproject.toml
	@$(BIN)/python -c 'import pip; $(NEW_ENOUGH)' 2>/dev/null || { \
	    for python in $(CANDIDATES) none; do \
	        if "$$python" -c '$(NEW_ENOUGH)' 2>/dev/null; then break; fi; \
	    done; \
	    if [ "$$python" = none ]; then \
	        found=$$($(PYTHON) --version 2>&1) || found="not found"; \
	        echo "Python 3.11 or newer is needed, and $(PYTHON) is $$found. Name one: make PYTHON=/path/to/python3.12" >&2; \
	        exit 1; \
	    fi; \
	    "$$python" -m venv --clear .venv; \
	}
	@echo "Installing the pinned packages into .venv; the first time takes a few minutes." >&2
	@$(BIN)/python -m pip --disable-pip-version-check install -qq --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip --disable-pip-version-check install -qq --no-deps --no-build-isolation -e .
	@touch $@
