# shellcheck shell=sh
# Sourced by the suites that make pipelines on this host, with the environment of the scenario `default`, whose instance is
# `molecule`. Needs `make setup-test`.
cd "$(dirname "$0")/../.."
export PATH="$PWD/.venv-test/bin:$PATH" MOLECULE_GLOB='molecule/*/molecule.yml'
export CDC_ENDPOINTS=/var/lib/cdc-pipeline/molecule/endpoints.json CDC_INSTANCE=molecule CDC_PORT_OFFSET=100

pytest='python -m pytest -q -p no:cacheprovider'
# What looks into an instance needs root, as the instance does.
root_pytest=".ci/as_root $pytest"
# A first run by Ansible's own strategy; what follows as `make` runs playbooks.
shared='ANSIBLE_STRATEGY=cdc.pipeline.shared_process'
scenario_up="molecule destroy -s default && molecule converge -s default && $shared molecule idempotence -s default"
scenario_verified="$shared molecule verify -s default"
