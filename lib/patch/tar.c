// SPDX-License-Identifier: Apache-2.0
#include "patch/tar.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "patch/manifest.h"

/* IEEE Std 1003.1-2017, pax, "ustar Interchange Format". */
struct header {
	char name[100];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char mtime[12];
	char chksum[8];
	char typeflag;
	char linkname[100];
	char magic[6];
	char version[2];
	char uname[32];
	char gname[32];
	char devmajor[8];
	char devminor[8];
	char prefix[155];
	char pad[12];
};

_Static_assert(sizeof(struct header) == SUT_TAR_BLOCK, "a header is one block");

enum { OCTAL_LEN = 11 };
static const int64_t octal_max = (1LL << (3 * OCTAL_LEN)) - 1;

static void make_header(const char *name, uint64_t size, int64_t mtime, struct header *h)
{
	unsigned int sum = 0;

	memset(h, 0, sizeof(*h));
	memcpy(h->name, name, strlen(name));
	memcpy(h->mode, "0000644", 8);
	memcpy(h->uid, "0000000", 8);
	memcpy(h->gid, "0000000", 8);
	snprintf(h->size, sizeof(h->size), "%011llo", (unsigned long long)size);
	snprintf(h->mtime, sizeof(h->mtime), "%011llo", (unsigned long long)mtime);
	memset(h->chksum, ' ', sizeof(h->chksum));
	h->typeflag = '0';
	memcpy(h->magic, "ustar", 6);
	memcpy(h->version, "00", 2);
	memcpy(h->devmajor, "0000000", 8);
	memcpy(h->devminor, "0000000", 8);
	for (size_t i = 0; i < sizeof(*h); i++)
		sum += ((const uint8_t *)h)[i];
	snprintf(h->chksum, sizeof(h->chksum) - 1, "%06o", sum);
}

static int bad(struct sut_err *err, size_t pos, const char *what)
{
	return sut_err_reason(err, EBADMSG, "container",
			      "the archive inside the patch is wrong at byte %zu: %s. Download "
			      "the patch again, and only use files that suture-build made",
			      pos, what);
}

static int parse_octal(const char field[static OCTAL_LEN + 1], uint64_t *ret)
{
	uint64_t v = 0;

	for (size_t i = 0; i < OCTAL_LEN; i++) {
		if (field[i] < '0' || field[i] > '7')
			return -EINVAL;
		v = v << 3 | (uint64_t)(field[i] - '0');
	}
	*ret = v;
	return field[OCTAL_LEN] ? -EINVAL : 0;
}

static bool all_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i])
			return false;
	return true;
}

int sut_tar_next(const uint8_t *tar, size_t len, size_t *pos, struct sut_tar_entry *ret,
		 struct sut_err *err)
{
	struct sut_tar_entry e = {0};
	struct header h, canonical;
	uint64_t size, mtime;
	size_t at = *pos, padded;

	if (len - at < sizeof(h))
		return bad(err, at, "it is cut short");
	memcpy(&h, tar + at, sizeof(h));
	if (all_zero(tar + at, sizeof(h))) {
		if (len - at < 2 * sizeof(h) || !all_zero(tar + at, 2 * sizeof(h)))
			return bad(err, at, "its end is cut short");
		if (len - at != 2 * sizeof(h))
			return bad(err, at + 2 * sizeof(h), "there is something behind its end");
		return 0;
	}
	if (memcmp(h.magic, "ustar", 6) != 0)
		return bad(err, at, "it is not in ustar format");
	if (h.typeflag != '0')
		return bad(err, at, "a member is not a regular file");
	memcpy(e.name, h.name, sizeof(h.name));
	if (!sut_member_name_ok(e.name))
		return bad(err, at, "a member has a name that is not allowed");
	if (parse_octal(h.size, &size) < 0 || parse_octal(h.mtime, &mtime) < 0)
		return bad(err, at, "a size or time is not a number");
	/* Only name, size and mtime can vary: all else must be as we write it. */
	make_header(e.name, size, (int64_t)mtime, &canonical);
	if (memcmp(&h, &canonical, sizeof(h)) != 0)
		return bad(err, at,
			   "a member's header has other contents than name, size and time");
	at += sizeof(h);
	if (size > len - at)
		return bad(err, at, "a member is cut short");
	padded = ((size_t)size + SUT_TAR_BLOCK - 1) / SUT_TAR_BLOCK * SUT_TAR_BLOCK;
	if (padded > len - at)
		return bad(err, at, "a member is cut short");
	if (!all_zero(tar + at + size, padded - size))
		return bad(err, at + size, "there are bytes between two members");
	e.data = tar + at;
	e.len = size;
	e.mtime = (int64_t)mtime;
	*pos = at + padded;
	*ret = e;
	return 1;
}

int sut_tar_add(struct sut_buf *tar, const char *name, const void *data, size_t len, int64_t mtime)
{
	size_t before = tar->len;
	struct header h;
	int r;

	if (!sut_member_name_ok(name) || mtime < 0 || mtime > octal_max ||
	    len > (uint64_t)octal_max)
		return -EINVAL;
	make_header(name, len, mtime, &h);
	r = sut_buf_add(tar, &h, sizeof(h));
	if (r == 0)
		r = sut_buf_add(tar, data, len);
	if (r == 0)
		r = sut_buf_align(tar, SUT_TAR_BLOCK);
	if (r < 0)
		tar->len = before;
	return r;
}

int sut_tar_end(struct sut_buf *tar)
{
	return sut_buf_addzero(tar, (size_t)2 * SUT_TAR_BLOCK);
}
