# Sourced by the other scripts: a virtual environment in the checkout with what requirements.lock says, nothing global.
# Set up once, and again when the lock file or the project file changes.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/.venv

export PIP_DISABLE_PIP_VERSION_CHECK=1

fail() { echo "$1" >&2; exit 2; }

find_python() {
    local candidate
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

stamp() { cat "$root/requirements.lock" "$root/pyproject.toml" "$root/scripts/environment.sh" | cksum; }

set_up() {
    if [ -x "$venv/bin/python" ] && [ "$(stamp)" = "$(cat "$venv/.stamp" 2>/dev/null)" ]; then return; fi
    echo "Setting up the environment in .venv (once; about a minute) ..." >&2
    rm -f "$venv/.stamp"
    if command -v uv >/dev/null; then
        uv venv --quiet --allow-existing --python '>=3.11' "$venv"
        uv pip install --quiet --python "$venv/bin/python" --require-hashes -r "$root/requirements.lock"
        uv pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation -e "$root"
    else
        local python
        python=$(find_python) || fail "Python 3.11 or newer is needed; install it, or uv, and run this again."
        "$python" -m venv "$venv" || fail "Python has no venv module; install it (Debian: apt install python3-venv)."
        "$venv/bin/python" -m pip install --quiet --require-hashes -r "$root/requirements.lock"
        "$venv/bin/python" -m pip install --quiet --no-deps --no-build-isolation -e "$root"
    fi
    stamp >"$venv/.stamp"
    echo "Environment ready." >&2
}
