#!/bin/sh
# Checks that this machine has what pip cannot bring: Python with its headers, a way to get
# pip into a virtual environment, and a C compiler. Names what is missing and the command
# that installs it.
#
# Usage: scripts/prerequisites.sh PYTHON
set -u

python=$1
compiler=${CC:-cc}
missing=0

# report WHAT DEBIAN FEDORA MACOS: one missing thing, and what installs it here.
report() {
  missing=$((missing + 1))
  echo "missing: $1" >&2
  if command -v apt-get >/dev/null 2>&1; then
    echo "  install it with: sudo apt-get install $2" >&2
  elif command -v dnf >/dev/null 2>&1; then
    echo "  install it with: sudo dnf install $3" >&2
  elif [ "$(uname -s)" = Darwin ]; then
    echo "  install it with: $4" >&2
  else
    echo "  install it with your system's package manager; on Debian: apt-get install $2" >&2
  fi
}

# Debian splits ensurepip off; an installed pip does instead.
has_pip_source() {
  "$python" -c 'import venv, ensurepip' >/dev/null 2>&1 ||
    "$python" -c 'import venv, pip' >/dev/null 2>&1
}

has_headers() {
  "$python" -c '
import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' 2>/dev/null
}

compiles() {
  echo '#include <stdlib.h>' | $compiler -x c -fsyntax-only - 2>/dev/null
}

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1; then
  found=$("$python" --version 2>&1) || found="no $python"
  report "Python 3.10 or newer (found: $found; choose another with: make PYTHON=python3.12 ...)" \
    "python3 python3-venv python3-dev" "python3 python3-devel" "brew install python"
else
  has_pip_source || report "pip for $python" "python3-venv" "python3-pip" "brew install python"
  has_headers || report "the C headers of $python (Python.h)" \
    "python3-dev" "python3-devel" "brew install python"
fi
compiles ||
  report "a C compiler ($compiler)" "gcc libc6-dev" "gcc" "xcode-select --install"

[ "$missing" -eq 0 ]
