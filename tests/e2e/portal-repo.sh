# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# A signed repository for a portal, made by the real programs. Source it after repo.sh and portal-lib.sh.
#
#   portal_repo_make                          an empty, published repository with its signer
#   portal_repo_patch BUILD_ID LEVEL ID [CVE]...   releases a patch; /proc/version of its kernel is
#                                             "Linux version 6.1.0-47-cloud-amd64 (BUILD_ID)"
#   portal_repo_start [LINE]...               portal_start with this repository
#   portal_sync                               the portal reads it at once

portal_repo_make() {
	# The signer is not there yet, so the first change stays staged.
	repo_init >&2
	[ $? -eq 2 ] && repo_signer_start && repo publish >&2
}

portal_repo_patch() {
	build_id=$1 level=$2 id=$3
	shift 3
	"$programs/tests/e2e/release-helper" patch "$level" "$id" "$work/$id.bin" "$build_id" "$@" &&
		repo_sign release "$work/$id.bin" >&2
}

portal_repo_start() {
	portal_start "repository = $work/repo/public" "repository-root = $work/root.json" "$@"
}

portal_sync() {
	api POST /v1/repository/sync
}
