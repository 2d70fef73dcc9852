# The whole repository at once; each package has its own Makefile.
#
# `make demo` and `make test` need nothing but git, make and Python >= 3.10 with venv: they make .venv, fill it and work in it. Every
# other target works in the environment that is active.

PYTHON ?= $(shell command -v python > /dev/null && echo python || echo python3)

BOOT_PYTHON ?= python3
CONFORMANCE ?= ../shared/conformance
DEBIAN_PACKAGES := busybox-static ca-certificates git iptables make nodejs podman runc slirp4netns

.DEFAULT_GOAL := help
.PHONY: help demo test system-deps suites slow differential proto conformance
.PHONY: install build check-venv itest lint type-check utest release

help:
	@echo "make demo         make .venv, install into it, and let headrace run both pipelines of this repository"
	@echo "make test         the same with all suites, lint and type check first, on the Python at hand"
	@echo "make system-deps  install the Debian packages that the tests want: $(DEBIAN_PACKAGES)"
	@echo "In an active environment:"
	@echo "make install | utest | itest | slow | differential | lint | type-check | build | proto | conformance"
	@echo "make release PACKAGE=headrace VERSION=x.y.z   check, rehearse, tag and push; RELEASE_ARGS=--dry-run shows what would be done"

.venv/bin/python:
	@$(BOOT_PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "headrace needs Python 3.10 or newer; say which with BOOT_PYTHON=…")'
	$(BOOT_PYTHON) -m venv .venv

demo: .venv/bin/python
	. .venv/bin/activate && $(MAKE) --no-print-directory install PYTHON=python
	. .venv/bin/activate && headrace run push

test: .venv/bin/python
	. .venv/bin/activate && $(MAKE) --no-print-directory install PYTHON=python
	. .venv/bin/activate && uv pip install --quiet --constraint constraints.txt --group pkg/headrace/pyproject.toml:slow
	. .venv/bin/activate && $(MAKE) --no-print-directory suites PYTHON=python
	. .venv/bin/activate && headrace run push

# Tests start thousands of processes: each module is compiled once for all of them, and in no folder of this tree or of Python.
test suites: export PYTHONPYCACHEPREFIX ?= $(CURDIR)/.pytest_cache/bytecode
test suites: export PYTHONDONTWRITEBYTECODE :=
# The legs of the pipelines try fewer examples of free inputs.
suites: export HEADRACE_EXAMPLES ?= 100
# Types are checked by one process alone, beside the unit tests. What `differential` runs in both ways is not run in one before. Tests
# of whole runs wait for a sixth of their time: three at a time are what two processors can do.
suites: lint
	@$(MAKE) --no-print-directory type-check & checking=$$!; \
		$(MAKE) --no-print-directory utest PYTEST_ARGS="$(or $(PYTEST_ARGS),-n 2)"; tested=$$?; wait $$checking && exit $$tested
	@$(MAKE) --no-print-directory itest PYTEST_ARGS="$(or $(PYTEST_ARGS),-n 3) $(addprefix --ignore=$(CURDIR)/,$(DIFFERENTIAL))"
	@$(MAKE) --no-print-directory slow differential PYTEST_ARGS="$(or $(PYTEST_ARGS),-n 3)"

check-venv:
	@if [ -z "$$CI" ] && [ -z "$$VIRTUAL_ENV" ]; then \
		echo "no virtual environment is active: make one with 'python3 -m venv .venv', then '. .venv/bin/activate'" >&2; \
		exit 1; \
	fi

install: check-venv
	@$(MAKE) --no-print-directory -C pkg/headrace install PYTHON="$(PYTHON)"
	@$(MAKE) --no-print-directory -C pkg/headrace_encryption install PYTHON="$(PYTHON)"

itest: check-venv
	@$(MAKE) --no-print-directory -C pkg/headrace itest PYTHON="$(PYTHON)"
	@$(MAKE) --no-print-directory -C pkg/headrace_encryption itest PYTHON="$(PYTHON)"

lint: check-venv
	@$(MAKE) --no-print-directory -C pkg/headrace lint PYTHON="$(PYTHON)"
	@$(MAKE) --no-print-directory -C pkg/headrace_encryption lint PYTHON="$(PYTHON)"

type-check: check-venv
	@$(MAKE) --no-print-directory -C pkg/headrace type-check PYTHON="$(PYTHON)"
	@$(MAKE) --no-print-directory -C pkg/headrace_encryption type-check PYTHON="$(PYTHON)"

utest: check-venv
	@$(MAKE) --no-print-directory -C pkg/headrace utest PYTHON="$(PYTHON)"
	@$(MAKE) --no-print-directory -C pkg/headrace_encryption utest PYTHON="$(PYTHON)"

build:
	@$(MAKE) --no-print-directory -C pkg/headrace build PYTHON="$(PYTHON)"
	@$(MAKE) --no-print-directory -C pkg/headrace_encryption build PYTHON="$(PYTHON)"

# make release PACKAGE=name VERSION=1.2.3
release:
	@case "$(PACKAGE)" in \
	headrace) $(MAKE) --no-print-directory -C pkg/headrace release PYTHON="$(PYTHON)" ;; \
	headrace_encryption) $(MAKE) --no-print-directory -C pkg/headrace_encryption release PYTHON="$(PYTHON)" ;; \
	*) echo "say which package: make release PACKAGE=headrace VERSION=1.2.3 (there is headrace, headrace_encryption)" >&2; exit 1 ;; \
	esac

system-deps:
	@bin/system-deps $(DEBIAN_PACKAGES)

# Each worker takes neighbours, so that what a file makes ready for all its tests is made once.
slow: check-venv
	$(PYTHON) -m pytest -m slow --durations=10 --dist=worksteal $(or $(PYTEST_ARGS),-n 3) pkg/headrace/tests pkg/headrace_encryption/tests tests

# Every run of these tests twice, in both ways of parting jobs from the machine, which must say the same.
DIFFERENTIAL ?= tests/test_headrace/test_runs.py tests/test_headrace/test_dropins_checkout.py
differential: check-venv
	HEADRACE_DIFFERENTIAL=1 $(PYTHON) -m pytest -m "not slow" $(PYTEST_ARGS) $(DIFFERENTIAL)

proto:
	@$(MAKE) --no-print-directory -C pkg/headrace proto PYTHON="$(PYTHON)"

# The official language cases. Their runner and data are not part of this repository; CONFORMANCE says where they are.
conformance:
	$(PYTHON) $(CONFORMANCE)/run_suite.py --mirror $(CONFORMANCE)/data --adapter "$(PYTHON) tests/conformance/adapter.py"
