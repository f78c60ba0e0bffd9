# Each target sets itself up. PYTHON is the interpreter that the virtual environment is made from.
PYTHON ?= python3
VENV := .venv
# For `make run`: a name or a file, and further arguments for Locust.
SCENARIO ?= forced-vs-atomic
ARGS ?=
REPORT = reports/$(basename $(notdir $(SCENARIO)))
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.DEFAULT_GOAL := help
.PHONY: help run test test-long test-rest lint bench matrix matrix-sample servers tools browser clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

run: $(VENV)/installed ## forced against atomic, or SCENARIO=another one; all reports go to reports/
	$(VENV)/bin/locust -f locustfiles/current.py --headless --scenario $(SCENARIO) \
		--csv $(REPORT) --report $(REPORT).html --junit $(REPORT).xml $(ARGS)

# Two at once, since a test of a whole run mostly waits. (pytest-xdist cannot: gevent, which Locust brings along, takes
# its threads.) What each of the two says is shown when it has ended; they take about the same time.
LONG := $(addprefix tests/whole_runs/,test_planted.py test_reports.py test_run.py test_web_ui.py) tests/matrix/test_sample.py

test: lint ## lint, then all tests
	@$(MAKE) --no-print-directory --jobs 2 --keep-going --output-sync=target test-long test-rest

test-long: $(VENV)/installed-test
	$(VENV)/bin/pytest $(LONG)

test-rest: $(VENV)/installed-test
	$(VENV)/bin/pytest $(addprefix --ignore=,$(LONG))

lint: $(VENV)/installed-test ## ruff, mypy and the arrows between the rooms
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

bench: $(VENV)/installed ## what judging and the switcher cost, as ratios within one run (needs nginx)
	$(VENV)/bin/python bench/judging.py
	$(VENV)/bin/python bench/flipping.py

matrix: $(VENV)/installed ## every strategy on every server: docs/results.* (half an hour; needs servers and tools)
	$(VENV)/bin/python -m matrix --into docs

matrix-sample: $(VENV)/installed ## a few of these cells, chosen by the commit, against docs/results.md (half a minute)
	$(VENV)/bin/python -m matrix.sample

# Debian starts what it installs, and these would fight for port 80. The lab starts its own, so the packages are
# told that they cannot: RUNLEVEL is for SysV init, SYSTEMD_OFFLINE for systemctl. They stay enabled, for the next
# boot; `sudo systemctl disable nginx apache2 caddy lighttpd` is for those who do not want that.
servers: ## install the real web servers (Debian 12, Ubuntu 24.04)
	$(SUDO) apt-get update -q
	$(SUDO) env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 SYSTEMD_OFFLINE=1 apt-get install -yq --no-install-recommends \
		nginx php-fpm apache2 libapache2-mod-php caddy lighttpd

tools: ## install what is compared (BusyBox, uutils, rsync), and Capistrano and strace for the tests (Debian 12, Ubuntu 24.04)
	$(SUDO) apt-get update -q
	$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends \
		busybox rust-coreutils rsync strace capistrano git

browser: ## install Chromium, for the tests of what people look at (Debian 12)
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
