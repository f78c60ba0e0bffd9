# Each target sets itself up. PYTHON is the interpreter for the virtual environment.
PYTHON ?= python3
VENV := .venv
# For `make run`: the name or file of a scenario, and further options of Locust.
SCENARIO ?= forced-vs-atomic
ARGS ?=
REPORT = reports/$(basename $(notdir $(SCENARIO)))
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.DEFAULT_GOAL := help
.PHONY: help run test test-rest lint bench matrix matrix-sample servers tools browser clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

run: $(VENV)/installed ## forced against atomic switching, or SCENARIO=NAME; reports go to reports/
	$(VENV)/bin/locust -f locustfiles/current.py --headless --scenario $(SCENARIO) \
		--csv $(REPORT) --report $(REPORT).html --junit $(REPORT).xml $(ARGS)

# The tests in parts, the longest first. Two parts run at once, since a test of a whole run mostly waits, and whichever
# ends first makes room for the next: so both take about the same time on any machine. (pytest-xdist does not work here:
# gevent, which Locust imports, patches its threads.) Each prints its output when it ends.
PARTS := $(addprefix tests/,whole_runs whole_runs/test_run.py whole_runs/test_planted.py whole_runs/external switcher servers matrix)
.PHONY: $(PARTS)

test: lint ## lint, then all tests
	@$(MAKE) --no-print-directory --jobs 2 --keep-going --output-sync=target $(PARTS) test-rest

$(PARTS): $(VENV)/installed-test
	$(VENV)/bin/pytest $@ $(patsubst %,--ignore=%,$(filter $@/%,$(PARTS)))

test-rest: $(VENV)/installed-test
	$(VENV)/bin/pytest $(PARTS:%=--ignore=%)

lint: $(VENV)/installed-test ## ruff, mypy, and import-linter for the imports between packages
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

bench: $(VENV)/installed ## cost of judging and of the switcher, as ratios within one run (needs nginx)
	$(VENV)/bin/python bench/judging.py
	$(VENV)/bin/python bench/flipping.py

matrix: $(VENV)/installed ## measure every strategy on every server: docs/results.* (30 minutes; needs servers and tools)
	$(VENV)/bin/python -m matrix --into docs

matrix-sample: $(VENV)/installed ## check a few of these cells, chosen by the commit, against docs/results.md (30 seconds)
	$(VENV)/bin/python -m matrix.sample

# Debian starts the servers that it installs, and these would compete for port 80. The lab starts its own. So these two
# variables prevent the start: RUNLEVEL for SysV init, SYSTEMD_OFFLINE for systemctl. The servers stay enabled for the next
# boot; to prevent that, run `sudo systemctl disable nginx apache2 caddy lighttpd`.
servers: ## install the real web servers (Debian 12, Ubuntu 24.04)
	$(SUDO) apt-get update -q
	$(SUDO) env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 SYSTEMD_OFFLINE=1 apt-get install -yq --no-install-recommends \
		nginx php-fpm apache2 libapache2-mod-php caddy lighttpd

tools: ## install the tools to compare (BusyBox, uutils, rsync), Capistrano and strace for tests (Debian 12, Ubuntu 24.04)
	$(SUDO) apt-get update -q
	$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends \
		busybox rust-coreutils rsync strace capistrano git

browser: ## install Chromium for the browser tests (Debian 12)
	$(SUDO) apt-get update -q
	$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends chromium

clean: ## remove the virtual environment and the reports
	rm -rf $(VENV) reports .mypy_cache .pytest_cache .ruff_cache

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@
