// SPDX-License-Identifier: Apache-2.0
#include "kernel.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/file.h"
#include "base/str.h"

static size_t align4(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

int sut_notes_build_id(const void *notes, size_t len, uint8_t ret[static SUTURE_BUILD_ID_LEN],
		       struct sut_err *err)
{
	const uint8_t *p = notes;
	size_t at = 0;

	while (len - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr n;
		size_t name, desc;

		memcpy(&n, p + at, sizeof(n));
		at += sizeof(n);
		name = at;
		if (n.n_namesz > len - at || align4(n.n_namesz) > len - at)
			return sut_err_set(err, EBADMSG, "the kernel's ELF notes are malformed");
		at += align4(n.n_namesz);
		desc = at;
		if (n.n_descsz > len - at)
			return sut_err_set(err, EBADMSG, "the kernel's ELF notes are malformed");
		if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == sizeof(ELF_NOTE_GNU) &&
		    memcmp(p + name, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) == 0 &&
		    n.n_descsz == SUTURE_BUILD_ID_LEN) {
			memcpy(ret, p + desc, SUTURE_BUILD_ID_LEN);
			return 0;
		}
		/* The padding of the last note may be left out. */
		at = align4(n.n_descsz) > len - desc ? len : desc + align4(n.n_descsz);
	}
	return sut_err_set(err, ENOENT,
			   "this kernel has no build-id of %d bytes. It cannot be patched live",
			   SUTURE_BUILD_ID_LEN);
}

int sut_kernel_read(struct sut_kernel *ret, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_NOTES_MAX);
	struct sut_kernel k = {0};
	struct utsname u;
	int r;

	if (uname(&u) < 0)
		return sut_err_errno(err, "uname failed");
	snprintf(k.release, sizeof(k.release), "%s", u.release);
	snprintf(k.machine, sizeof(k.machine), "%s", u.machine);
	r = sut_file_read("/sys/kernel/notes", &b, err);
	if (r == 0)
		r = sut_notes_build_id(b.data, b.len, k.build_id, err);
	if (r < 0)
		return r;
	*ret = k;
	return 0;
}

int sut_kernel_check(const struct sut_kernel *k, const struct sut_manifest *m, struct sut_err *err)
{
	char want[2 * SUTURE_BUILD_ID_LEN + 1], have[2 * SUTURE_BUILD_ID_LEN + 1];

	if (memcmp(k->build_id, m->target.build_id, SUTURE_BUILD_ID_LEN) == 0)
		return 0;
	sut_hex(m->target.build_id, SUTURE_BUILD_ID_LEN, want);
	sut_hex(k->build_id, SUTURE_BUILD_ID_LEN, have);
	return sut_err_reason(err, ENOEXEC, "wrong-kernel",
			      "the patch is for %s on %s (build-id %.12s…), and this is %s on %s "
			      "(build-id %.12s…). Get the patch for this kernel",
			      m->target.release, m->target.arch, want, k->release, k->machine,
			      have);
}
