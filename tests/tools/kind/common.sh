# shellcheck shell=sh
# Sourced by the scripts beside it.

say() { printf '%s  %s\n' "$(date +%H:%M:%S)" "$*" >&2; }

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "Root rights are needed to run: $*" "Run this as root, or install sudo."
    fi
}

# debian_packages COMMAND=PACKAGE...: installs the packages whose commands are missing.
debian_packages() {
    missing=''
    for pair; do
        PATH=$PATH:/usr/sbin:/sbin command -v "${pair%%=*}" >/dev/null || missing="$missing ${pair#*=}"
    done
    [ -n "$missing" ] || return 0
    command -v apt-get >/dev/null || fail "Missing:$missing" "Install them; this machine has no apt-get to do it with."
    say "installing$missing"
    as_root apt-get update -qq >&2
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >&2
}
