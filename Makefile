# Two commands do everything: `make demo` and `make test`.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
UV := $(shell command -v uv 2>/dev/null)

.PHONY: demo test test-engines check format bench bench-no-signal bench-roi bench-roi-speed bench-mutations bench-read bench-scale bench-peers bench-explorer bench-explorer-redraw bench-accessibility bench-fuzz bench-kill bench-faults bench-refusals bench-together bench-promises bench-optional-tables bench-walk docs evidence evidence-quick clean help lock

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

demo: $(BIN)/.installed ## a sample project, its quarterly report, and where the page lies
	@test -f demo/tierkit.toml || $(BIN)/tierkit init demo --sample
	$(BIN)/tierkit run -f demo/tierkit.toml --set 'run.reports="../reports"'
	@echo "The page: $(CURDIR)/$$(ls -d reports/20*/leadership.html | tail -1)"

test: $(BIN)/.installed-dev ## every test
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-engines: $(BIN)/.installed-dev ## Spark itself on two threads, dbt on DuckDB and Postgres, Delta and Iceberg, in environments of their own
	@for name in spark lake; do \
		$(BIN)/python -m venv build/venv-$$name && $(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > \
		build/venv-$$name/lib/python$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')/site-packages/tierkit.pth; done
	@if build/venv-spark/bin/python -m pip install -q --no-deps pyspark==4.2.0 py4j==0.10.9.9; then \
		build/venv-spark/bin/python -m pytest tests/test_engines.py tests/test_wide.py -k spark; \
	else echo "PySpark cannot be installed; nothing was run on Spark itself"; fi
	@$(BIN)/python -m venv build/venv-dbt
	@if build/venv-dbt/bin/python -m pip install -q 'dbt-core<1.11' dbt-duckdb dbt-postgres; then \
		TIERKIT_DBT=$(CURDIR)/build/venv-dbt/bin/dbt $(BIN)/python -m pytest tests/test_export.py -k dbt; \
	else echo "dbt cannot be installed; no exported project was run"; fi
	@if build/venv-lake/bin/python -m pip install -q deltalake 'pyiceberg[pyarrow,sql-sqlite]'; then \
		build/venv-lake/bin/python -m pytest tests/test_lake.py; \
	else echo "deltalake and pyiceberg cannot be installed; no table of Delta or Iceberg was read"; fi

check: $(BIN)/.installed-dev ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(BIN)/.installed-dev ## write the format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(BIN)/.installed-dev ## time and memory of a run, by stage, and of reading 5 million deals
	$(BIN)/python -m benches.run_speed
	$(BIN)/python -m benches.read_speed
	$(BIN)/python -m benches.tiering

bench-roi: $(BIN)/.installed-dev ## how often tier ROI is right and wrong, on simulated worlds
	$(BIN)/python -m benches.roi

bench-read: $(BIN)/.installed-dev ## time and memory of reading and checking 5 million deals
	$(BIN)/python -m benches.read_speed

bench-scale: $(BIN)/.installed-dev ## time and memory of the panel beside hand-written SQL, and the slope of time on rows
	$(BIN)/python -m benches.scale 100000 500000 1000000
	$(BIN)/python -m benches.scale --written 50000 500000 5000000 10000000
	$(BIN)/python -m benches.score_speed 1000000
	$(BIN)/python -m benches.score_speed --panel 10000000
	$(BIN)/python -m benches.kept_panel 20000 100000

bench-peers: $(BIN)/.installed-dev ## processor time beside featuretools, lifetimes, pandas, dbt, scikit-learn and optbinning
	@for name in peers dbt; do $(BIN)/python -m venv build/venv-$$name; done
	@build/venv-peers/bin/python -m pip install -q featuretools lifetimes optbinning 'pandas<3' pyarrow duckdb || \
		echo "featuretools, lifetimes or optbinning cannot be installed; the table says so"
	@build/venv-dbt/bin/python -m pip install -q 'dbt-core<1.11' dbt-duckdb || echo "dbt cannot be installed; the table says so"
	$(BIN)/python -m benches.peers

bench-explorer: $(BIN)/.installed-dev ## what a change costs in the explorer, and whether memory grows
	$(BIN)/python -m benches.explorer

bench-explorer-redraw: $(BIN)/.installed-dev ## what a change takes in JupyterLab, from the key to the painted view
	$(BIN)/python -m benches.explorer_redraw

bench-accessibility: $(BIN)/.installed-dev ## the sample page by axe-core in a browser; fetches axe-core by npm
	npm install --no-save --prefix build/axe axe-core
	$(BIN)/python -m benches.accessibility build/axe/node_modules/axe-core/axe.min.js reports/sample/*.html

bench-roi-speed: $(BIN)/.installed-dev ## time and memory of tier ROI on 4,000 accounts and 16 quarters
	$(BIN)/python -m benches.roi_speed

bench-no-signal: $(BIN)/.installed-dev ## verdicts on orders redrawn uniformly over accounts, 100 seeds
	$(BIN)/python -m benches.no_signal 100

bench-mutations: $(BIN)/.installed-dev ## corrupted inputs and marks of real exports: right, named or refused in words
	$(BIN)/python -m benches.mutations 500
	$(BIN)/python -m benches.marks 1000

bench-fuzz: $(BIN)/.installed-dev ## hostile settings, rules, tables, facts and models: safe or an error in words
	$(BIN)/python -m benches.fuzz 2000

bench-kill: $(BIN)/.installed-dev ## 200 signals at random moments of runs, units and all that changes files: nothing survives
	$(BIN)/python -m benches.kill 200

bench-faults: $(BIN)/.installed-dev ## each call that touches a file fails in five ways: files as before or completely new
	$(BIN)/python -m benches.faults

bench-refusals: $(BIN)/.installed-dev ## every command on full and read-only disks, without permission or memory: words and codes
	$(BIN)/python -m benches.refusals

bench-together: $(BIN)/.installed-dev ## two people at once, 100 rounds of each kind: nothing lost, nothing mixed
	TIERKIT_ROUNDS=100 $(BIN)/python -m pytest -q tests/test_together.py

bench-optional-tables: $(BIN)/.installed-dev ## every optional table absent, empty, of one row, bare or blank: whole runs
	$(BIN)/python -m benches.optional_tables

bench-promises: $(BIN)/.installed-dev ## how often tiers bring what was promised, on simulated companies
	$(BIN)/python -m benches.promises 6

bench-walk: $(BIN)/.installed-dev ## every quarter-end of every company: what a run publishes, against what came
	$(BIN)/python -m benches.walk

docs: $(BIN)/.installed-docs ## the site in build/docs; every block of its pages is run
	$(BIN)/python -m docsite.build

# Parts of the evidence, the quick ones first. What a part has written stays in build/evidence, and the part is not run again until it is taken away.
PARTS ?= bench-explorer bench-roi-speed bench-fuzz bench-mutations bench-together bench-refusals bench-optional-tables bench-promises bench-no-signal bench-scale bench-faults bench-kill bench bench-roi bench-walk bench-explorer-redraw bench-accessibility

# `make -n` would run a line that says MAKE itself
ITSELF := $(MAKE)

evidence: $(PARTS:%=build/evidence/%.txt) ## every figure of the evidence anew, in parts: hours; PARTS="bench-fuzz bench-kill" runs some

build/evidence/%.txt:
	@mkdir -p build/evidence && echo "$*, since $$(date +%H:%M)" && begun=$$(date +%s); $(ITSELF) --no-print-directory $* > $@.part 2>&1 || { tail -5 $@.part; exit 1; }; \
		echo "$*: $$(( $$(date +%s) - begun )) s on $$(date +%F), commit $$(git rev-parse --short HEAD)" >> $@.part; tail -1 $@.part; mv $@.part $@

evidence-quick: $(BIN)/.installed-dev ## small versions of the evidence, with ranges that they must stay in
	$(BIN)/python -m benches.evidence_quick

clean: ## take away what the commands above made
	rm -rf $(VENV) demo build dist .pytest_cache .mypy_cache .ruff_cache

$(BIN)/python:
	@test -n "$(UV)$(PYTHON)" || { echo "tierkit needs Python 3.11 or newer"; exit 1; }
ifdef UV
	$(UV) venv --seed --python '>=3.11' $(VENV)
else
	$(PYTHON) -m venv $(VENV)
endif

$(BIN)/.installed: pyproject.toml constraints.txt | $(BIN)/python
ifdef UV
	$(UV) pip install --quiet --python $(BIN)/python -c constraints.txt -e .
else
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
endif
	@touch $@

$(BIN)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
ifdef UV
	$(UV) pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[dev]'
else
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
endif
	@touch $@ $(BIN)/.installed

$(BIN)/.installed-docs: pyproject.toml constraints.txt | $(BIN)/python
ifdef UV
	$(UV) pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[docs]'
else
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
endif
	@touch $@ $(BIN)/.installed

lock: $(BIN)/.installed-dev ## write constraints.txt anew
	$(BIN)/python -m pip freeze --exclude-editable --exclude tierkit | grep -E '^[A-Za-z0-9._-]+==' > constraints.txt
