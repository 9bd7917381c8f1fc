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

# Tests bring their own instances and environment, beside a pipeline that may run here. What looks into an instance needs
# root, as the instance does.
.PHONY: test test-full test-upgrade setup-test lock
SCENARIO = /var/lib/cdc-pipeline/molecule
TESTS = PATH="$$PWD/.venv-test/bin:$$PATH" MOLECULE_GLOB='molecule/*/molecule.yml' \
  CDC_ENDPOINTS=$(SCENARIO)/endpoints.json CDC_INSTANCE=molecule CDC_PORT_OFFSET=100 .ci/steps
PYTEST = python -m pytest -q -p no:cacheprovider
# A first run by Ansible's own strategy; what follows as `make` runs playbooks.
SHARED = ANSIBLE_STRATEGY=cdc.pipeline.shared_process
SCENARIO_UP = molecule destroy -s default && molecule converge -s default && $(SHARED) molecule idempotence -s default
SCENARIO_VERIFIED = $(SHARED) molecule verify -s default

setup-test:
	@.ci/setup requirements-test.txt .venv-test

# What needs no pipeline runs beside the scenario. Lint resolves modules by this checkout, not by the collection that
# Molecule has installed for another one.
test: setup-test  ## Test this collection on real servers (about half an hour)
	@$(TESTS) \
	  "scenario" '$(SCENARIO_UP)' \
	  "modules on servers" '.ci/as_root $(PYTEST) -n 3 --dist loadfile tests/integration/modules tests/integration/local/security tests/integration/local/object_store' \
	  "services on servers" '.ci/as_root $(PYTEST) -m integration -k "records_become or tombstone or sender or 512Mi" python/tests' \
	  "documents" '.ci/as_root python tests/tools/docs_run.py' \
	  "lossless" '.ci/as_root $(PYTEST) tests/system/local/lossless' \
	  "trouble" '.ci/as_root $(PYTEST) -m "not apart and not full" tests/system/local/trouble' \
	  "every type" '.ci/as_root $(PYTEST) tests/system/local/by_type' \
	  "scenario verified" '$(SCENARIO_VERIFIED)' \
	  "faults are told" '.ci/as_root $(PYTEST) tests/system/local/monitoring' \
	  "scenario ended" 'molecule destroy -s default' \
	  -- \
	  "ruff" "ruff check . && ruff format --check ." \
	  "ansible-lint" 'ANSIBLE_HOME=$$PWD/.ansible/lint ansible-lint' \
	  "reference" "python tests/tools/reference.py --check" \
	  "sanity" "tests/tools/sanity.sh" \
	  "units" "$(PYTEST) -n auto --dist loadfile tests/unit" \
	  "collection" '.ci/as_root $(PYTEST) tests/system/local/collection' \
	  "services" "$(PYTEST) -n auto -m 'not integration' python/tests" \
	  "alerts" '.ci/as_root $(PYTEST) tests/integration/local/alerts' \
	  "connect plugin" '.ci/as_root $(PYTEST) tests/integration/local/java' \
	  "manifests" "$(PYTEST) tests/golden" \
	  "a component" '.ci/as_root $(PYTEST) tests/system/local/component' \
	  "trouble apart" 'CDC_FRESH_OFFSET=2500 .ci/as_root $(PYTEST) -m "apart and not full" tests/system/local/trouble'

test-upgrade: setup-test  ## Test the upgrade from an earlier version under load, in short (some 5 minutes)
	@$(TESTS) "upgrade" '.ci/as_root $(PYTEST) tests/system/upgrade'

test-full: test  ## And what takes longer: every crash, interrupted runs, upgrades, reboots, the other engine, a cluster by kind
	@$(TESTS) \
	  "workloads" '.ci/as_root $(PYTEST) tests/integration/local/workload' \
	  "scenario" '$(SCENARIO_UP)' \
	  "services on servers" '.ci/as_root $(PYTEST) -m integration python/tests' \
	  "every PostgreSQL" 'CDC_POSTGRESQL_VERSIONS=all .ci/as_root $(PYTEST) -k "postgresql-" tests/integration/modules' \
	  "all of the connect plugin" '.ci/as_root $(PYTEST) -m full tests/integration/local/java' \
	  "all lossless" '.ci/as_root $(PYTEST) -m full tests/system/local/lossless' \
	  "all trouble" '.ci/as_root $(PYTEST) -m full tests/system/local/trouble' \
	  "500 tables of every type" '.ci/as_root $(PYTEST) -m full tests/system/local/by_type' \
	  "scenario verified" '$(SCENARIO_VERIFIED)' \
	  "all faults are told" '.ci/as_root $(PYTEST) -m full tests/system/local/monitoring' \
	  "scenario ended" 'molecule destroy -s default' \
	  "sealed secrets" "$(PYTEST) tests/integration/local/sealed" \
	  "secrets" '.ci/as_root $(PYTEST) tests/system/local/secrets' \
	  "collection by itself" '.ci/as_root $(PYTEST) -m full tests/system/local/collection' \
	  "phases from nothing" "molecule test -s foundation && molecule test -s core_services && molecule test -s integration && molecule test -s production" \
	  "runbooks" 'molecule converge -s production; .ci/as_root python tests/tools/docs_run.py docs/runbooks/*.md && molecule destroy -s production' \
	  "archive_connect" "molecule test -s archive_connect" \
	  "plain" "molecule test -s plain" \
	  "upgrade" '.ci/as_root $(PYTEST) --full tests/system/upgrade' \
	  "boot" 'eval "$$(tests/tools/kind/engine start)"; trap "tests/tools/kind/engine stop" EXIT; .ci/as_root $(PYTEST) tests/system/reboot' \
	  "kubernetes" 'make test-kubernetes "FAULTS=-m \"\""'

# A cluster by kind, its node image of packages where no container registry is reached, kept in ~/.cache/cdc-pipeline.
.PHONY: test-kubernetes test-kubernetes-quick
KIND = eval "$$(tests/tools/kind/engine start)"; CDC_KIND_NODE_IMAGE=$$(tests/tools/kind/node_image) || exit; \
  CDC_KIND_BINARY=$$(tests/tools/kind/node_image tools)/kind || exit; export CDC_KIND_NODE_IMAGE CDC_KIND_BINARY; \
  trap "tests/tools/kind/engine stop" EXIT;
KIND_HOME = /var/lib/cdc-pipeline/molecule-kind
KIND_TESTS = PATH="$$PWD/.venv-test/bin:$$PATH" MOLECULE_GLOB='molecule/*/molecule.yml' \
  CDC_ENDPOINTS=$(KIND_HOME)/endpoints.json CDC_KUBECONFIG=$(KIND_HOME)/kubeconfig CDC_INSTANCE=molecule-kind \
  CDC_PORT_OFFSET=700 CDC_VARIABLES=.config/molecule/kubernetes.yml .ci/steps
# A first run that is interrupted when brokers are being made, and one that goes on.
KIND_LOOK = .ci/as_root $${CDC_KIND_BINARY%/*}/kubectl --kubeconfig $$CDC_KUBECONFIG -n data-ingestion --request-timeout 5s \
  get --ignore-not-found -o name
KIND_INTERRUPTED = molecule destroy -s kubernetes && python tests/tools/interrupted.py --when "$(KIND_LOOK) statefulset kafka" \
  --before "$(KIND_LOOK) deployment archive" molecule converge -s kubernetes
KIND_UP = molecule converge -s kubernetes
KIND_DOWN = molecule verify -s kubernetes && molecule destroy -s kubernetes
# The faults that take longest are FAULTS='-m ""'.
FAULTS =

test-kubernetes: setup-test  ## Test the pipeline in a cluster by kind, with faults
	@$(KIND) $(KIND_TESTS) \
	  "interrupted" '$(KIND_INTERRUPTED)' \
	  "cluster and pipeline" "$(KIND_UP)" \
	  "idempotence" "molecule idempotence -s kubernetes" \
	  "realiser" '.ci/as_root $(PYTEST) tests/integration/kubernetes' \
	  "faults" '.ci/as_root $(PYTEST) $(FAULTS) tests/system/kubernetes' \
	  "verified" "$(KIND_DOWN)" \
	  "moving house" '.ci/as_root $(PYTEST) tests/system/migration'

test-kubernetes-quick: setup-test  ## The same without most faults, as continuous integration does (under 30 minutes)
	@$(KIND) $(KIND_TESTS) \
	  "cluster and pipeline" "molecule destroy -s kubernetes && $(KIND_UP)" \
	  "idempotence" "molecule idempotence -s kubernetes" \
	  "faults" '.ci/as_root $(PYTEST) -k "archive or port_that" tests/system/kubernetes/test_killed_pods.py tests/system/kubernetes/test_oom.py tests/system/kubernetes/test_open_ports.py' \
	  "verified" "$(KIND_DOWN)"

lock: setup-test  ## Lock Python packages, jars and archives anew: from the .in files and versions.yml
	@for name in requirements requirements-test roles/artifacts/files/services; do \
	  .venv-test/bin/python -m uv pip compile --quiet --upgrade --generate-hashes --python-version 3.11 --no-header \
	    --no-annotate --no-emit-index-url --no-emit-find-links $$name.in -o $$name.txt; \
	done
	@.venv-test/bin/python .ci/lock_artifacts.py
