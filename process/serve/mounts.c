// SPDX-License-Identifier: Apache-2.0
#include "serve/mounts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"

enum { TEXT_MAX = 4 << 20 };

/* The next word of a line; false at its end. */
static bool word(const char **s, const char *end, const char **ret, size_t *ret_len)
{
	while (*s < end && **s == ' ')
		(*s)++;
	*ret = *s;
	while (*s < end && **s != ' ')
		(*s)++;
	*ret_len = (size_t)(*s - *ret);
	return *ret_len > 0;
}

static bool device(const char *s, size_t len, uint64_t *ret)
{
	uint64_t v[2] = {0};
	int k = 0;

	for (size_t i = 0; i < len; i++) {
		if (s[i] == ':' && k == 0 && i)
			k = 1;
		else if (s[i] >= '0' && s[i] <= '9' && v[k] < UINT32_MAX / 10)
			v[k] = v[k] * 10 + (uint64_t)(s[i] - '0');
		else
			return false;
	}
	*ret = v[0] << 32 | v[1];
	return k == 1;
}

/* "36 35 98:0 /top /mnt rw,noatime master:1 - ext3 /dev/root rw": words of the kernel hold no blanks. */
static bool line(const char *s, const char *end, uint64_t dev, char ret[static MOUNTS_TYPE_MAX])
{
	const char *w;
	uint64_t is = 0;
	size_t n;
	bool found = false;

	for (int i = 0; i < 5; i++) {
		if (!word(&s, end, &w, &n) || (i == 2 && !device(w, n, &is)))
			return false;
		if (i == 4)
			found = dev ? is == dev : n == 1 && *w == '/';
	}
	while (found && word(&s, end, &w, &n))
		if (n == 1 && *w == '-')
			break;
	if (!found || !word(&s, end, &w, &n) || n >= MOUNTS_TYPE_MAX)
		return false;
	memcpy(ret, w, n);
	ret[n] = '\0';
	return true;
}

int mounts_type(const char *text, size_t len, uint64_t dev, char ret[static MOUNTS_TYPE_MAX])
{
	const char *end = text + len;
	bool found = false;

	/* What was mounted over another one comes later. */
	for (const char *s = text; s < end && !(found && dev);) {
		const char *stop = memchr(s, '\n', (size_t)(end - s));

		if (!stop)
			break;
		found = line(s, stop, dev, ret) || found;
		s = stop + 1;
	}
	return found ? 0 : -ENOENT;
}

static int type_of(const char *who, uint64_t dev, char ret[static MOUNTS_TYPE_MAX])
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(TEXT_MAX);
	char path[48];

	snprintf(path, sizeof(path), "/proc/%s/mountinfo", who);
	if (sut_file_read(path, &b, NULL) < 0)
		return -ENOENT;
	return mounts_type(sut_buf_str(&b), b.len, dev, ret);
}

static bool same_users(const char *who)
{
	struct stat own, other;
	char path[48];

	snprintf(path, sizeof(path), "/proc/%s/ns/user", who);
	return stat("/proc/self/ns/user", &own) == 0 && stat(path, &other) == 0 &&
	       own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

bool mounts_answer(pid_t pid, uint64_t dev)
{
	static const char *const good[] = {
		"ext4",	    "xfs", "btrfs", "tmpfs", "overlay", "ext3",	  "ext2",     "f2fs",
		"bcachefs", "zfs", "jfs",   "erofs", "ramfs",	"rootfs", "squashfs", "iso9660"};
	char who[16], type[MOUNTS_TYPE_MAX] = "";

	snprintf(who, sizeof(who), "%d", pid);
	/* A layer of an overlay is mounted here, and not there. */
	if (type_of(who, dev, type) < 0 && (!dev || type_of("self", dev, type) < 0))
		return false;
	if (sut_streq(type, "overlay") && !same_users(who))
		return false;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(good); i++)
		if (sut_streq(type, good[i]))
			return true;
	return false;
}
