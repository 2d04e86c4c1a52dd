# Each command makes what it needs in .venv and re-uses it. uv is used where it is installed, else venv and pip.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: demo test test-clients lint types bench format clean help

help:            ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 14

demo: $(READY)   ## hold a spoken conversation, offline; writes conversation.wav and conversation.html
	$(BIN)/realtime-agent demo

test: $(READY)   ## the whole test suite
	$(BIN)/python -m pytest

test-clients: $(READY)  ## stock OpenAI clients, each in its own environment, against the server
	$(BIN)/python -m tests.clients.environments
	$(BIN)/python -m pytest tests/clients

lint: $(READY)   ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)  ## mypy --strict
	$(BIN)/mypy

bench: $(READY)  ## measure every figure that the project promises
	$(BIN)/python -m tests.bench

format: $(READY) ## put the code in shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:           ## remove what these commands made
	rm -rf $(VENV) .venv-clients .mypy_cache .ruff_cache .pytest_cache .hypothesis conversation.wav conversation.html

$(READY): pyproject.toml
	@if command -v uv >/dev/null 2>&1; then \
	  uv venv --quiet --allow-existing --python $(PYTHON) $(VENV) && \
	  uv pip install --quiet --python $(BIN)/python -e '.[all]' --group dev --group bench; \
	else \
	  $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet 'pip>=25.1' && \
	  $(BIN)/python -m pip install --quiet -e '.[all]' --group dev --group bench; \
	fi
	@touch $(READY)
