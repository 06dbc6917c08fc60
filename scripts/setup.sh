# Sourced by test, check and quickstart: finds a Python, makes the virtual environment, installs what is missing.
# Works in bash 3.2, which macOS still has.
#
# FSTSTYLE_VENV may name another folder than .venv; pip's own variables (PIP_INDEX_URL and so on) are honored.

set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
venv="${FSTSTYLE_VENV:-$root/.venv}"
case "$venv" in /*) ;; *) venv="$PWD/$venv" ;; esac

die() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# Prints a Python that is new enough and can make a virtual environment.
find_python() {
    local candidate lame=""
    for candidate in python3.13 python3.12 python3.11 python3 python; do
        # Run, not only looked up: version managers leave stubs that fail.
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        if "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
            echo "$candidate"
            return
        fi
        lame="$candidate"
    done
    [ -z "$lame" ] || die "$lame cannot make a virtual environment (no ensurepip): install python3-venv, then try again"
    die "no Python 3.11 or newer found: install one, then try again"
}

# What an installation depends on: an editable one points at this very folder.
fingerprint() {
    echo "$root"
    cat "$root/pyproject.toml"
}

# install EXTRA…: the package itself, editable, with these extras; nothing to do if the fingerprint is as it was.
install() {
    local extra python missing=""
    for extra in "$@"; do
        fingerprint | cmp -s - "$venv/.installed-$extra" || missing="$missing,$extra"
    done
    [ -n "$missing" ] || return 0
    if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        python="$(find_python)"
        echo "making $venv with $("$python" --version)"
        "$python" -m venv "$venv" || die "$python could not make $venv"
    fi
    echo "installing fststyle[${missing#,}] into $venv (with PyTorch: some minutes, and some gigabytes, the first time)"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -e "$root[${missing#,}]" ||
        die "pip could not install fststyle[${missing#,}]; its reason stands above"
    for extra in "$@"; do
        fingerprint >"$venv/.installed-$extra"
    done
}
