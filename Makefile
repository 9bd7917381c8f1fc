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
