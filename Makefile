# Two commands: `make site` builds and proves the pipeline, `make test` tests this collection. `make help` lists the rest.
SHELL := /bin/sh
.DEFAULT_GOAL := help
# Options for ansible-playbook, such as ARGS="--check --diff" or ARGS="--tags archive".
ARGS ?=
PLAY = .venv/bin/ansible-playbook

.PHONY: help setup site verify status start stop logs destroy load-test diagnostics
help:  ## Show what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */\1|/' | sort | column -t -s '|'

setup:
	@.ci/setup requirements.txt .venv

site: setup  ## Build the whole pipeline on this machine and prove it
	$(PLAY) site.yml $(ARGS)

verify: setup  ## Prove the running pipeline
	$(PLAY) playbooks/verify.yml $(ARGS)

status: setup  ## Show every process, its state and its memory
	$(PLAY) playbooks/status.yml $(ARGS)

start: setup  ## Start what is stopped
	$(PLAY) playbooks/start.yml $(ARGS)

stop: setup  ## Stop every process, keeping all data
	$(PLAY) playbooks/stop.yml $(ARGS)

logs: setup  ## Show the end of the logs; COMPONENT=kafka for one
	$(PLAY) playbooks/logs.yml $(if $(COMPONENT),-e component=$(COMPONENT)) $(ARGS)

destroy: setup  ## Remove the pipeline; ARGS="-e destroy_data=true" removes its data too
	$(PLAY) playbooks/destroy.yml $(ARGS)

load-test: setup  ## Measure the running pipeline under load
	$(PLAY) playbooks/load_test.yml $(ARGS)

# Tests bring their own instances and environment, beside a pipeline that may run here.
.PHONY: test test-full setup-test lint lock
TESTS = PATH="$$PWD/.venv-test/bin:$$PATH" MOLECULE_GLOB='molecule/*/molecule.yml' .ci/steps

setup-test:
	@.ci/setup requirements-test.txt .venv-test

test: setup-test  ## Test this collection on real servers: lint, sanity, units, scenarios (under 30 minutes)
	@$(TESTS) \
	  "ruff" "ruff check . && ruff format --check ." \
	  "ansible-lint" "ansible-lint" \
	  "reference" "python tests/reference.py --check" \
	  "sanity" "tests/sanity.sh" \
	  "units" "python -m pytest -q tests/unit" \
	  "services" "python -m pytest -q -m 'not integration' python/tests" \
	  "molecule" "molecule test --all"

lock: setup-test  ## Lock the Python packages anew from the .in files
	@for name in requirements requirements-test roles/artifacts/files/services; do \
	  .venv-test/bin/python -m uv pip compile --quiet --upgrade --generate-hashes --python-version 3.11 --no-header \
	    --no-annotate --no-emit-index-url --no-emit-find-links $$name.in -o $$name.txt; \
	done
