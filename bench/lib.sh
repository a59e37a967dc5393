# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# What the figures share. A figure prints lines "NAME<tab>VALUE<tab>LIMIT or remark";
# bench/run makes the table.

# shellcheck source=tests/vm/lib.sh
. "$top/tests/vm/lib.sh"

row() { printf '%s\t%s\t%s\n' "$1" "$2" "${3:-}"; }

# The middle one of the numbers on standard input.
median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# number FILE KEY: of the object "seconds" in the report of `suture-build kernel --json`.
number() {
	tr -d '\n' <"$1" | sed -n "s/.*\"seconds\": *{[^}]*\"$2\": *\([0-9.e-]*\).*/\1/p"
}
