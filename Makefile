# `make demo` and `make test` are all that a fresh machine needs: both make .venv the first time.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-browser browser check lint install clean

install: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[fast,dev]'
	touch $(READY)

demo: $(READY)
	$(BIN)/rl-attention demo

# all tests, the slow ones too; what CI runs
test: $(READY)
	$(BIN)/python -m pytest -m '' --numprocesses auto --dist worksteal

# the pages alone, in a real browser
test-browser: $(READY) browser
	RL_ATTENTION_BROWSER=required $(BIN)/python -m pytest -m '' tests/viewer

browser:
	command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; }

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

clean:
	rm -rf $(VENV)
