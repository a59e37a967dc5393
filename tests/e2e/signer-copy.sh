# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# signer_copy PROGRAM: copies suture-signer to where its own user can run it (this tree may lie in a
# folder that only its owner can enter); $signer_exe is the copy, $signer_dir the folder to remove.
signer_copy() {
	signer_dir=$(mktemp -d /var/tmp/suture-signer.XXXXXX) && chmod 755 "$signer_dir" &&
		cp "$1" "$signer_dir/suture-signer" && chmod 755 "$signer_dir/suture-signer" || exit 1
	signer_exe=$signer_dir/suture-signer
}
