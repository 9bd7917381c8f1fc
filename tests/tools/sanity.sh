#!/bin/sh
# Runs `ansible-test sanity` on what git knows of this checkout; arguments are handed on.
#
# ansible-test wants to lie in a folder ansible_collections/cdc/pipeline, which a checkout seldom does, so a copy is
# tested. The copy and ansible-test's virtual environments stay in the user's cache; a second run starts at once.
# ANSIBLE_TEST names another ansible-test than the first in PATH, CDC_TEST_CACHE another cache.
set -eu

source=$(cd "$(dirname "$0")/../.." && pwd)
ansible_test=$(command -v "${ANSIBLE_TEST:-ansible-test}") || {
    echo "ansible-test is missing: it comes with ansible-core (pip install -r requirements-test.txt)" >&2
    exit 1
}
cache=${CDC_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cdc-pipeline/tests}
# One copy for each checkout. Its path stays short, as it ends up in interpreter lines.
copy=$cache/$(printf %s "$source" | cksum | cut -d ' ' -f 1)/ansible_collections/cdc/pipeline
mkdir -p "$copy/tests/output"

# Two runs in one copy would take each other's files away.
exec 9>"$cache/lock"
flock 9

find "$copy" -mindepth 1 -maxdepth 1 ! -name tests -exec rm -rf {} +
find "$copy/tests" -mindepth 1 -maxdepth 1 ! -name output -exec rm -rf {} +
cd "$source"
# A file that is deleted and not yet committed is no error.
git ls-files -z | xargs -0 ls -d 2>/dev/null | tar --create --files-from - --file - | tar --extract --directory "$copy"

# ansible-test downloads get-pip.py from a site of its own. Where that cannot be reached, a stand-in does.
pip_version=$("$(dirname "$ansible_test")/python" -c '
from ansible_test._internal.python_requirements import get_venv_packages
from types import SimpleNamespace
print(get_venv_packages(SimpleNamespace(version="3.11"))["pip"])' 2>/dev/null || echo 24.2)
get_pip=$HOME/.ansible/test/cache/get_pip_$(echo "$pip_version" | tr . _).py
if [ ! -e "$get_pip" ]; then
    mkdir -p "$(dirname "$get_pip")"
    "$(dirname "$ansible_test")/python" - "$get_pip" "$pip_version" <<'PYTHON' || cp tests/tools/get_pip_from_ensurepip.py "$get_pip"
import os, sys, urllib.request
path, version = sys.argv[1:]
url = f"https://ci-files.testing.ansible.com/ansible-test/get-pip-{version}.py"
try:
    content = urllib.request.urlopen(url, timeout=10).read()
except OSError as error:
    sys.exit(f"get-pip.py cannot be downloaded ({error}); using the pip that comes with Python")
with open(path + ".part", "wb") as file:
    file.write(content)
os.replace(path + ".part", path)
PYTHON
fi

cd "$copy"
# The services import no Ansible; ruff and their own tests look after them.
exec "$ansible_test" sanity --venv --python 3.11 --exclude python/ "$@"
