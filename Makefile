# The commands of this project, for developers and CI. Each command first creates .venv and installs
# the packages that it needs.

PYTHON ?= python3
WORKERS ?= 3

VENV := .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check
SOURCES := $(wildcard app.py booking_core pages scripts benchmarks tests)

.PHONY: help run install test coverage check format bench soak attacks clean

help:
	@echo "make run      start the dashboard on http://localhost:8501 (reads PORT and MONGODB_URI)"
	@echo "make test     every test, browser included"
	@echo "make coverage the tests without a browser, and what of booking_core they miss"
	@echo "make check    formatting, lint and types"
	@echo "make format   fix the formatting"
	@echo "make bench    measure the performance ratios that must hold"
	@echo "make soak     ten minutes of heavy use: memory must not grow, no screen may hang or be stale"
	@echo "make attacks  try the attacks of docs/security.md, in under two minutes"
	@echo "make install  create .venv with all packages, and a browser for the tests"
	@echo "make clean    remove .venv and the files of tests; the data in .data stays"

run: $(VENV)/.installed
	@exec $(VENV)/bin/python scripts/run.py

install: $(VENV)/.installed-dev
	@$(VENV)/bin/python scripts/browser.py

test: $(VENV)/.installed-dev
	@browser=$$($(VENV)/bin/python scripts/browser.py) && \
	CHROMIUM="$$browser" $(VENV)/bin/python -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

coverage: $(VENV)/.installed-dev
	$(VENV)/bin/python -m pytest tests/unit tests/pages tests/integration --cov -n $(WORKERS) --dist loadgroup $(ARGS)

check: $(VENV)/.installed-dev
	$(VENV)/bin/python -m ruff format --check $(SOURCES)
	$(VENV)/bin/python -m ruff check $(SOURCES)
	$(VENV)/bin/python -m mypy

format: $(VENV)/.installed-dev
	$(VENV)/bin/python -m ruff format $(SOURCES)
	$(VENV)/bin/python -m ruff check --fix $(SOURCES)

attacks: $(VENV)/.installed-dev
	@browser=$$($(VENV)/bin/python scripts/browser.py) && \
	CHROMIUM="$$browser" $(VENV)/bin/python -m scripts.attacks

bench: $(VENV)/.installed-dev
	@browser=$$($(VENV)/bin/python scripts/browser.py) && \
	CHROMIUM="$$browser" $(VENV)/bin/python -m benchmarks $(ARGS)

soak: $(VENV)/.installed-dev
	@browser=$$($(VENV)/bin/python scripts/browser.py) && \
	CHROMIUM="$$browser" $(VENV)/bin/python -m benchmarks.soak $(ARGS)

clean:
	rm -rf $(VENV) .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis test-results
	find $(SOURCES) -name __pycache__ -prune -exec rm -rf {} +

# A stamp file is newer than the requirements that it stands for, so a second run installs nothing.
$(VENV)/.installed: requirements.txt constraints.txt | $(VENV)/bin/pip
	@echo "Installing the app's packages into $(VENV) ..."
	@$(PIP) install --quiet -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@echo "Installing the packages for tests and checks into $(VENV) ..."
	@$(PIP) install --quiet -r requirements-dev.txt
	@touch $@

$(VENV)/bin/pip:
	@command -v $(PYTHON) >/dev/null || \
	{ echo "Python 3.11 or newer is needed, and there is no $(PYTHON) here."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "Python 3.11 or newer is needed, and $(PYTHON) is $$($(PYTHON) -V 2>&1); name another: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	{ echo "Making .venv failed; on Debian and Ubuntu install python3-venv, then try again."; rm -rf $(VENV); exit 1; }
