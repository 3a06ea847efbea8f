#!/usr/bin/env bash
# Measure everything that a GPU can show, within 8 minutes. See on_gpu.py.
#   bash benchmarks/on_gpu.sh [--quick] [--device cpu]
# PYTHON names the interpreter (default: python3). The package need not be installed.
set -euo pipefail
folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export PYTHONPATH="$folder/..${PYTHONPATH:+:$PYTHONPATH}"
exec "${PYTHON:-python3}" "$folder/on_gpu.py" "$@"
