#!/bin/sh
# `ansible-test sanity` on this checkout; arguments are handed on.
exec "$(dirname "$0")/ansible_test.sh" sanity "$@"
