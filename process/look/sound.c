// SPDX-License-Identifier: Apache-2.0
#include "look/sound.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"

enum { MOUNTS_TEXT_MAX = 16 << 20 };

/* Of a disk or of memory; an overlay of such, when root has made it. */
static const char *const kinds[] = {"bcachefs", "btrfs", "erofs",   "ext2",  "ext3",   "ext4",
				    "f2fs",	"jfs",	 "overlay", "ramfs", "rootfs", "squashfs",
				    "tmpfs",	"vfat",	 "xfs",	    "zfs"};

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw": blanks in names are written as \040. */
bool sound_mount(const char *mountinfo, int id)
{
	for (const char *s = mountinfo; *s;) {
		size_t len = strcspn(s, "\n");
		const char *end = s + len, *kind;
		char *after;

		if (strtol(s, &after, 10) == id && after < end && *after == ' ') {
			kind = memmem(s, len, " - ", 3);
			if (!kind)
				return false;
			kind += 3;
			len = strcspn(kind, " \n");
			for (size_t i = 0; i < SUT_ARRAY_SIZE(kinds); i++)
				if (strlen(kinds[i]) == len && !memcmp(kind, kinds[i], len))
					return true;
			return false;
		}
		s = end + (*end != '\0');
	}
	return false;
}

/* The number of the mount that an open file was reached by; -1. */
static int mount_of(int fd)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(64 << 10);
	char path[48];
	const char *s;

	snprintf(path, sizeof(path), "/proc/thread-self/fdinfo/%d", fd);
	if (sut_file_read(path, &b, NULL) < 0)
		return -1;
	s = strstr(sut_buf_str(&b), "mnt_id:");
	return s ? (int)strtol(s + 7, NULL, 10) : -1;
}

/* Does the mount namespace of pid belong to the user namespace that we are in? In another one its users mount what they like. */
static bool mounts_are_roots(pid_t pid)
{
	_cleanup_(sut_closep) int ns = -1;
	_cleanup_(sut_closep) int owner = -1;
	struct stat a, b;
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	owner = ns < 0 ? -1 : ioctl(ns, NS_GET_USERNS);
	return owner >= 0 && fstat(owner, &a) == 0 && stat("/proc/self/ns/user", &b) == 0 &&
	       a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

static bool is_mount_of(pid_t pid, int id)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(MOUNTS_TEXT_MAX);
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/mountinfo", pid);
	return mounts_are_roots(pid) && sut_file_read(path, &b, NULL) == 0 &&
	       sound_mount(sut_buf_str(&b), id);
}

bool sound_place(pid_t pid, int fd)
{
	int id = mount_of(fd);

	/* A process below another root is not shown what lies above it. */
	return id >= 0 && (is_mount_of(pid, id) || is_mount_of(1, id));
}

bool sound_file(pid_t pid, int fd)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_MODE | STATX_UID,
		  &st) < 0 ||
	    !S_ISREG(st.stx_mode) || st.stx_uid != 0 || (st.stx_mode & (S_IWGRP | S_IWOTH)))
		return false;
	return sound_place(pid, fd);
}
