#!/bin/sh
# Renders every variant's manifests from the roles and has checkov look at them.
# usage: tests/manifests/checkov.sh       needs ansible-playbook's environment as `python` in PATH
set -eu
cd "$(dirname "$0")/../.."
# Its many dependencies stay apart from what tests and users install.
.ci/setup tests/manifests/checkov.txt .venv-checkov
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python tests/manifests/rendering.py "$folder"
.venv-checkov/bin/checkov --directory "$folder" --config-file tests/manifests/checkov.yaml
