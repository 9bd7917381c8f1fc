# Two commands: `make site` builds and proves the pipeline, `make test` tests this collection. `make help` lists the rest.
SHELL := /bin/sh
# Reports lie here, also with `make -C`.
export PWD := $(CURDIR)
.DEFAULT_GOAL := help
# Options for ansible-playbook, such as ARGS="--check --diff" or ARGS="--tags archive".
ARGS ?=
# Where the pipeline runs: local (this host), kind, kubernetes, openshift, or a folder of your own below inventories/.
INVENTORY ?= local
# Modules share one process instead of having one each (docs/decisions/0015-mitogen.md). STRATEGY=linear is Ansible's own way.
STRATEGY ?= cdc.pipeline.shared_process
PLAY = ANSIBLE_STRATEGY=$(STRATEGY) ANSIBLE_DEPRECATION_WARNINGS=false .venv/bin/ansible-playbook -i inventories/$(INVENTORY)

.PHONY: help setup site verify status start stop logs destroy render migrate load-test
help:  ## Show what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */\1|/' | sort | awk -F '|' '{printf "%-24s %s\n", $$1, $$2}'

setup:
	@.ci/setup requirements.txt .venv

site: setup  ## Build the whole pipeline on this machine and prove it
	$(PLAY) site.yml $(ARGS)

verify: setup  ## Prove the running pipeline
	$(PLAY) playbooks/verify.yml $(ARGS)

status: setup  ## Show every process, its state and its memory: cdc status
	@CDC_ARGUMENTS=status .ci/cdc $(INVENTORY) $(ARGS)

start: setup  ## Start what is stopped
	$(PLAY) playbooks/start.yml $(ARGS)

stop: setup  ## Stop every process, keeping all data
	$(PLAY) playbooks/stop.yml $(ARGS)

logs: setup  ## Show the end of the logs: cdc logs; COMPONENT=kafka for one
	@CDC_ARGUMENTS="logs $(COMPONENT)" .ci/cdc $(INVENTORY) $(ARGS)

destroy: setup  ## Remove the pipeline; ARGS="-e destroy_data=true" removes its data too
	$(PLAY) playbooks/destroy.yml $(ARGS)

render: setup  ## Write every manifest of the pipeline in a cluster to manifests/, for review or GitOps
	$(PLAY) playbooks/render.yml $(ARGS)

migrate: setup  ## Take the pipeline of this host to a cluster, with its data: INVENTORY=kubernetes
	$(PLAY) playbooks/migrate.yml $(ARGS)

load-test: setup  ## Measure the running pipeline under load
	$(PLAY) playbooks/load_test.yml $(ARGS)

# Tests bring their own instances and environment, beside a pipeline that may run here: .ci/suites.
.PHONY: test test-full test-upgrade test-kubernetes test-kubernetes-quick setup-test lock
setup-test:
	@.ci/setup requirements-test.txt .venv-test

test: setup-test  ## Test this collection on real servers (about half an hour)
	@.ci/suites/local

test-upgrade: setup-test  ## Test the upgrade from an earlier version under load, in short (some 5 minutes)
	@.ci/suites/upgrade

test-full: test  ## And what takes longer: every crash, interrupted runs, upgrades, reboots, the other engine, a cluster by kind
	@.ci/suites/full

# The faults that take longest are FAULTS='-m ""'.
FAULTS =
test-kubernetes: setup-test  ## Test the pipeline in a cluster by kind, with faults
	@FAULTS='$(FAULTS)' .ci/suites/kubernetes

test-kubernetes-quick: setup-test  ## The same without most faults, as continuous integration does (under 30 minutes)
	@.ci/suites/kubernetes quick

lock: setup-test  ## Lock Python packages, jars and archives anew: from the .in files and versions.yml
	@for name in requirements requirements-test roles/artifacts/files/services; do \
	  .venv-test/bin/python -m uv pip compile --quiet --upgrade --generate-hashes --python-version 3.11 --no-header \
	    --no-annotate --no-emit-index-url --no-emit-find-links $$name.in -o $$name.txt; \
	done
	@.venv-test/bin/python .ci/lock_artifacts.py
