#!/usr/bin/env bash
# What the containers run: the pipeline on a folder of the user's, from code that need not be writable.
# The first word `rnnrepro` calls that command there instead of Snakemake.
set -euo pipefail
code=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=${RNNREPRO_WORK:-$PWD}

[ -d "$work" ] && [ -w "$work" ] || {
    echo "error: $work is no folder that user $(id -u) may write to; mount one of yours there" >&2
    exit 1
}
# Settings are the user's: they stand in the folder and are copied there once, never overwritten.
[ -e "$work/config" ] || {
    cp -R "$code/config" "$work/config"
    chmod -R u+w "$work/config"
}
# A user id without a name has no home. Compiled scans are worth keeping, and nobody else may write there.
export HOME="$work/.home" XDG_CACHE_HOME="$work/.cache" PYTHONDONTWRITEBYTECODE=1
(umask 077 && mkdir -p "$HOME" "$XDG_CACHE_HOME")
# Snakemake asks for a name too.
export USER="${USER:-user$(id -u)}" LOGNAME="${LOGNAME:-user$(id -u)}"
export PYTHONPATH="$code${PYTHONPATH:+:$PYTHONPATH}"

if [ "${1:-}" = rnnrepro ]; then
    cd "$work"
    exec python -m "$@"
fi
cd "$code"
exec python workflow/scripts/launch.py --cores "${CORES:-all}" --directory "$work" "$@"
