# Everything runs in .venv, which the first target that needs it makes.
PYTHON ?= python3
HOST ?= localhost
PORT ?= 8501
BASE ?=
BIN := .venv/bin
AXE := 4.10.3
WORKERS = $(shell $(BIN)/python -c 'import os; print(min(4, 1 + len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 3))')

.PHONY: demo test axe check format docs clean

demo: .venv/app.done  ## open the explorer on http://localhost:8501
	$(BIN)/streamlit run serve.py --server.address $(HOST) --server.port $(PORT) --server.baseUrlPath "$(BASE)" --browser.gatherUsageStats false

test: .venv/dev.done axe  ## every test, on every core; one more process than cores, since browsers are waited for
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

axe: .axe/$(AXE).done  ## axe-core, which browser tests put into every page; without npm they are skipped

check: .venv/dev.done  ## format, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: .venv/dev.done
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: .venv/dev.done  ## the notebook API as pages, from its docstrings, in docs/api
	$(BIN)/python -m pdoc explorer.notebook explorer.mask explorer.errors explorer.stats.intervals explorer.stats.paired \
	  --output-directory docs/api

.venv/app.done: requirements.txt constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; try: make PYTHON=python3.12 demo")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --requirement requirements.txt --constraint constraints.txt
	touch $@

.venv/dev.done: .venv/app.done requirements-dev.txt
	$(BIN)/python -m pip install --requirement requirements-dev.txt --constraint constraints.txt
	touch $@

.axe/$(AXE).done:
	mkdir -p .axe
	if command -v npm >/dev/null; \
	  then npm install --prefix .axe --no-save --no-package-lock --no-audit --no-fund --ignore-scripts --silent axe-core@$(AXE) \
	    && touch $@ || echo "axe-core could not be fetched: its tests are skipped"; \
	  else echo "there is no npm: the tests with axe-core are skipped"; fi

.venv/grid.done: .venv/dev.done requirements-grid.txt  ## Ray, for its test and `run --engine ray`
	$(BIN)/python -m pip install --requirement requirements-grid.txt --constraint constraints.txt
	touch $@

clean:
	rm -rf .venv .axe .mypy_cache .ruff_cache .pytest_cache .hypothesis
