// SPDX-License-Identifier: Apache-2.0
/*
 * Makes a patch file that is well-formed and wrong.
 *
 * usage: repack IN OUT build-id     made for another kernel build, says the manifest
 *        repack IN OUT deep-id      … and, hidden from the manifest, the table too
 *        repack IN OUT bytes        one expected byte is not that of the kernel
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "patch/container.h"
#include "uapi/suture.h"

static void die(const struct sut_err *err)
{
	fprintf(stderr, "repack: %s\n", err->msg);
	exit(1);
}

static struct suture_expect_header *table(struct sut_patch *p)
{
	for (size_t i = 0; i < p->nmembers; i++)
		if (p->members[i].len > sizeof(struct suture_expect_header) &&
		    !memcmp(p->members[i].data, SUTURE_EXPECT_MAGIC, 8))
			return (void *)p->members[i].data;
	fprintf(stderr, "repack: there is no table of expected bytes\n");
	exit(1);
}

/* The first byte of the first function that must be equal. */
static void wrong_byte(struct suture_expect_header *h)
{
	struct suture_expect_func *f = (void *)(h + 1);
	uint8_t *bytes = (uint8_t *)h + h->bytes_off + f->bytes_off;

	for (uint32_t i = 0; i < f->size; i++) {
		if (bytes[f->size + i] == SUTURE_MASK_EQUAL) {
			bytes[i] ^= 0xff;
			return;
		}
	}
	fprintf(stderr, "repack: no byte is compared\n");
	exit(1);
}

int main(int argc, char **argv)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(SUT_PATCH_FILE_MAX);
	_cleanup_(sut_patch_freep) struct sut_patch *p = NULL;
	struct sut_err err = {0};
	int r;

	if (argc != 4) {
		fprintf(stderr, "usage: repack IN OUT build-id | deep-id | bytes\n");
		return 1;
	}
	if (sut_patch_read(argv[1], &p, &err) < 0)
		die(&err);
	if (!strcmp(argv[3], "build-id"))
		r = json_object_set_new(json_object_get(p->manifest, "target"), "build_id",
					json_string("0123456789012345678901234567890123456789"));
	else if (!strcmp(argv[3], "deep-id"))
		r = !memset(table(p)->build_id, 0x42, SUTURE_BUILD_ID_LEN);
	else
		r = (wrong_byte(table(p)), 0);
	if (r) {
		fprintf(stderr, "repack: cannot change the patch\n");
		return 1;
	}
	json_object_del(p->manifest, "members");
	if (sut_patch_pack(p->manifest, p->members, p->nmembers, 1, &out, &err) < 0 ||
	    sut_file_write(argv[2], out.data, out.len, 0644, &err) < 0)
		die(&err);
	return 0;
}
