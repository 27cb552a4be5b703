#!/bin/sh
# A job for any CI system: judges the catalog, and leaves reports for people and programs.
#
#   ci/validate.sh            judges everything
#   ci/validate.sh BASE       judges what the change since BASE breaks: origin/main, or the commit before a push
#
# Ends with 0 where nothing is wrong, 1 where something was found, 2 where it could not run, 3 where there is no catalog.
# The clone must have the commit of BASE. These variables are read:
#   TRUELINE            the program (trueline)
#   TRUELINE_CATALOG    the folder of the catalog (.)
#   TRUELINE_FAIL_ON    how bad it must be to fail: error, warning or note (error)
#   TRUELINE_REPORTS    where reports are written (trueline-reports)
set -eu

base=${1:-}
program=${TRUELINE:-trueline}
reports=${TRUELINE_REPORTS:-trueline-reports}

if ! command -v "$program" >/dev/null 2>&1; then
  echo "there is no program \`$program\`; install it, or name it with the variable TRUELINE" >&2
  exit 2
fi

mkdir -p "$reports"
set -- validate --fail-on "${TRUELINE_FAIL_ON:-error}"
[ -z "$base" ] || set -- "$@" "--base=$base"
# What a file of the change configures is not how it is judged, hence --config.
exec "$program" --config /dev/null --catalog "${TRUELINE_CATALOG:-.}" "$@" \
  --report junit="$reports/junit.xml" --report sarif="$reports/findings.sarif" --report markdown="$reports/findings.md"
