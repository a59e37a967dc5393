// SPDX-License-Identifier: Apache-2.0
/*
 * Drives /dev/suture for the tests of the engine alone, with good and with
 * hostile requests. Every command prints "key=value" lines.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "uapi/suture.h"

static int device(void)
{
	int fd = open("/dev/suture", O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		perror("/dev/suture");
		exit(1);
	}
	return fd;
}

static int show(int r, int err, const struct suture_result *res)
{
	printf("errno=%d\noutcome=%u\nfunc=%s\noffset=%u\nexpected=%02x\nfound=%02x\nnbusy=%u\n"
	       "nfuncs=%u\ncompared=%u\nignored=%u\ntasks_before=%u\ntasks_inside=%u\n"
	       "pause_ns=%llu\nstop_ns=%llu\n",
	       r < 0 ? err : 0, res->outcome, res->func, res->offset, res->expected, res->found,
	       res->nbusy, res->nfuncs, res->compared, res->ignored, res->tasks_before,
	       res->tasks_inside, res->pause_ns, res->stop_ns);
	for (int i = 0; i < res->nbusy && i < SUTURE_BUSY_TASKS; i++) {
		const struct suture_busy_task *b = &res->busy[i];

		printf("busy=%d %s in %s:", b->pid, b->comm, b->func);
		for (unsigned int k = 0; k < b->nframes && k < SUTURE_BUSY_FRAMES; k++)
			printf(" %s", b->frames[k]);
		printf("\n");
	}
	return r < 0;
}

static int cmd_switch(unsigned long req, const char *module, const char *dry)
{
	struct suture_switch s = {0};
	int r;

	if (module)
		snprintf(s.module, sizeof(s.module), "%s", module);
	if (dry && !strcmp(dry, "dry"))
		s.flags = SUTURE_SWITCH_DRY_RUN;
	r = ioctl(device(), req, &s);
	return show(r, errno, &s.result);
}

static int cmd_status(void)
{
	struct suture_status st = {0};

	if (ioctl(device(), SUTURE_IOC_STATUS, &st)) {
		perror("status");
		return 1;
	}
	printf("abi=%u\napplied=%u\nlevel=%u\nnfuncs=%u\nid=%s\nmodule=%s\napplied_at=%llu\n",
	       st.abi, st.applied, st.level, st.nfuncs, st.id, st.module, st.applied_at);
	return 0;
}

static int cmd_pause(const char *rounds)
{
	struct suture_pause p = {.rounds = (unsigned int)strtoul(rounds, NULL, 10)};

	if (ioctl(device(), SUTURE_IOC_PAUSE, &p)) {
		printf("errno=%d\n", errno);
		return 1;
	}
	printf("min_ns=%llu\nmedian_ns=%llu\nmax_ns=%llu\n", p.min_ns, p.median_ns, p.max_ns);
	return 0;
}

/* A well-formed table for one function, which each hostile case spoils in its own way. */
struct table {
	struct suture_expect_header head;
	struct suture_expect_func func;
	__u8 bytes[32], mask[32];
	char name[32];
};

static int hex(const char *s, __u8 *out, int n)
{
	for (int i = 0; i < n; i++)
		if (sscanf(s + 2 * i, "%2hhx", &out[i]) != 1)
			return -1;
	return 0;
}

static void good(struct table *t, const char *build_id)
{
	memset(t, 0, sizeof(*t));
	memcpy(t->head.magic, SUTURE_EXPECT_MAGIC, 8);
	t->head.total_size = sizeof(*t);
	t->head.nfuncs = 1;
	t->head.bytes_off = offsetof(struct table, bytes);
	t->head.bytes_size = 64;
	t->head.strings_off = offsetof(struct table, name);
	t->head.strings_size = 32;
	t->head.anchor_addr = 0xffffffff81000000;
	if (hex(build_id, t->head.build_id, SUTURE_BUILD_ID_LEN))
		exit(2);
	t->func = (struct suture_expect_func){
		.addr = 0xffffffff81000000, .size = 32, .flags = SUTURE_EXPECT_NOSTACK};
	/* The anchor itself; nothing of it is compared. */
	snprintf(t->name, sizeof(t->name), "_printk");
}

/* ioctl with size bytes at data; the outcome. */
static unsigned int verify(int fd, const void *data, unsigned int size, int *ret_errno)
{
	struct suture_verify v = {.expect = (unsigned long)data, .expect_size = size};

	*ret_errno = ioctl(fd, SUTURE_IOC_VERIFY, &v) ? errno : 0;
	return v.result.outcome;
}

static int failures;

static void expect(const char *name, unsigned int outcome, int err, unsigned int want, int want_err)
{
	bool ok = outcome == want && err == want_err;

	failures += !ok;
	printf("%sok %s", ok ? "" : "not ", name);
	if (!ok)
		printf(" (outcome %u errno %d, wanted %u %d)", outcome, err, want, want_err);
	printf("\n");
}

#define HOSTILE(label, change)                                                                     \
	do {                                                                                       \
		good(&t, build_id);                                                                \
		change;                                                                            \
		o = verify(fd, &t, sizeof(t), &err);                                               \
		expect("hostile-table-" label, o, err, SUTURE_E_TABLE, EINVAL);                    \
	} while (0)

static int cmd_hostile(const char *build_id)
{
	int fd = device(), err;
	struct suture_switch s;
	struct table t;
	unsigned int o, rnd = 1;

	good(&t, build_id);
	o = verify(fd, &t, sizeof(t), &err);
	expect("well-formed-table", o, err, SUTURE_OK, 0);

	HOSTILE("magic", t.head.magic[0] ^= 1);
	HOSTILE("total-size-small", t.head.total_size = 64);
	HOSTILE("total-size-large", t.head.total_size = sizeof(t) + 8);
	HOSTILE("no-functions", t.head.nfuncs = 0);
	HOSTILE("too-many-functions", t.head.nfuncs = SUTURE_MAX_FUNCS + 1);
	HOSTILE("functions-past-end", t.head.nfuncs = SUTURE_MAX_FUNCS);
	HOSTILE("reserved", t.head.reserved = 1);
	HOSTILE("bytes-off", t.head.bytes_off = 0xfffffff0);
	HOSTILE("bytes-size", t.head.bytes_size = 0xffffffff);
	HOSTILE("strings-off", t.head.strings_off = sizeof(t) + 1);
	HOSTILE("strings-size", t.head.strings_size = 0x80000000);
	HOSTILE("func-size-0", t.func.size = 0);
	HOSTILE("func-size-past-end", t.func.size = 33);
	HOSTILE("func-size-doubles-to-0", t.func.size = 0x80000000);
	HOSTILE("func-bytes-off", t.func.bytes_off = 0xffffffc0);
	HOSTILE("addr-wraps", t.func.addr = ~0ULL);
	HOSTILE("flags", t.func.flags = 0x80);
	HOSTILE("name-off", t.func.name_off = 32);
	HOSTILE("name-empty", t.func.name_off = 20);
	HOSTILE("name-no-end", memset(t.name, 'a', sizeof(t.name)));
	HOSTILE("mask-unknown", t.mask[3] = 5);
	HOSTILE("mask-cont-alone", t.mask[0] = SUTURE_MASK_CONT);
	HOSTILE("mask-abs32-cut", t.mask[29] = SUTURE_MASK_ABS32;
		t.mask[30] = t.mask[31] = SUTURE_MASK_CONT);
	HOSTILE("mask-abs64-short", t.mask[8] = SUTURE_MASK_ABS64);
	HOSTILE("redirect-without-replace", t.func.redirect = SUTURE_REDIRECT_JUMP_ENTRY);
	HOSTILE("redirect-none", t.func.flags = SUTURE_EXPECT_REPLACE);
	HOSTILE("redirect-unknown", t.func.flags = SUTURE_EXPECT_REPLACE; t.func.redirect = 9);
	HOSTILE("redirect-past-end", t.func.flags = SUTURE_EXPECT_REPLACE; t.func.redirect = 1;
		t.func.redirect_off = 28; memset(t.mask, 1, 32));
	HOSTILE("redirect-off-wraps", t.func.flags = SUTURE_EXPECT_REPLACE; t.func.redirect = 1;
		t.func.redirect_off = 0xfffffffe; memset(t.mask, 1, 32));
	HOSTILE("redirect-over-ignored", t.func.flags = SUTURE_EXPECT_REPLACE; t.func.redirect = 1);

	good(&t, build_id);
	o = verify(fd, &t, 63, &err);
	expect("hostile-ioctl-size-small", o, err, SUTURE_E_TABLE, EINVAL);
	o = verify(fd, &t, 0xffffffff, &err);
	expect("hostile-ioctl-size-large", o, err, SUTURE_E_TABLE, EINVAL);
	o = verify(fd, (void *)8, sizeof(t), &err);
	expect("hostile-ioctl-pointer", o, err, SUTURE_OK, EFAULT);
	o = verify(fd, (void *)0xffffffff81000000, sizeof(t), &err);
	expect("hostile-ioctl-kernel-pointer", o, err, SUTURE_OK, EFAULT);

	good(&t, build_id);
	t.head.build_id[19] ^= 1;
	o = verify(fd, &t, sizeof(t), &err);
	expect("wrong-build-id", o, err, SUTURE_E_BUILD_ID, ENOEXEC);
	good(&t, build_id);
	snprintf(t.name, sizeof(t.name), "_printj");
	o = verify(fd, &t, sizeof(t), &err);
	expect("wrong-name", o, err, SUTURE_E_SYMBOL, ENOEXEC);
	good(&t, build_id);
	t.func.addr++;
	o = verify(fd, &t, sizeof(t), &err);
	expect("not-a-start", o, err, SUTURE_E_SYMBOL, ENOEXEC);
	good(&t, build_id);
	t.func.addr += 0x10000000;
	o = verify(fd, &t, sizeof(t), &err);
	expect("outside-text", o, err, SUTURE_E_SYMBOL, ENOEXEC);
	good(&t, build_id);
	memset(t.mask, 1, 32);
	o = verify(fd, &t, sizeof(t), &err);
	expect("other-bytes", o, err, SUTURE_E_MISMATCH, EILSEQ);

	memset(&s, 'a', sizeof(s));
	s.flags = s.reserved = 0;
	err = ioctl(fd, SUTURE_IOC_APPLY, &s) ? errno : 0;
	expect("hostile-module-name", s.result.outcome, err, SUTURE_E_TABLE, EINVAL);
	memset(&s, 0, sizeof(s));
	s.flags = 0x80;
	err = ioctl(fd, SUTURE_IOC_REVERT, &s) ? errno : 0;
	expect("hostile-flags", s.result.outcome, err, SUTURE_E_TABLE, EINVAL);
	memset(&s, 0, sizeof(s));
	snprintf(s.module, sizeof(s.module), "no_such_module");
	err = ioctl(fd, SUTURE_IOC_APPLY, &s) ? errno : 0;
	expect("unknown-module", s.result.outcome, err, SUTURE_E_NOT_FOUND, ENOENT);
	err = ioctl(fd, _IO('S', 0x99), NULL) ? errno : 0;
	expect("unknown-ioctl", 0, err, 0, ENOTTY);
	err = ioctl(fd, SUTURE_IOC_STATUS, (void *)8) ? errno : 0;
	expect("status-pointer", 0, err, 0, EFAULT);

	/* Random damage: whatever it answers, it must answer. */
	for (int i = 0; i < 20000; i++) {
		good(&t, build_id);
		for (int k = 0; k < 3; k++) {
			rnd = rnd * 1103515245 + 12345;
			((__u8 *)&t)[(rnd >> 8) % sizeof(t)] = (__u8)(rnd >> 16);
		}
		verify(fd, &t, sizeof(t), &err);
	}
	expect("random-tables", 0, 0, 0, 0);

	if (setuid(65534))
		exit(1);
	err = ioctl(fd, SUTURE_IOC_STATUS, &s) ? errno : 0;
	expect("descriptor-without-rights", 0, err, 0, EPERM);
	err = open("/dev/suture", O_RDWR) < 0 ? errno : 0;
	expect("open-without-rights", 0, err, 0, EACCES);
	return failures != 0;
}

int main(int argc, char **argv)
{
	const char *cmd = argc > 1 ? argv[1] : "", *arg = argc > 2 ? argv[2] : "";

	if (!strcmp(cmd, "apply"))
		return cmd_switch(SUTURE_IOC_APPLY, arg, argc > 3 ? argv[3] : NULL);
	if (!strcmp(cmd, "revert"))
		return cmd_switch(SUTURE_IOC_REVERT, NULL, arg);
	if (!strcmp(cmd, "status"))
		return cmd_status();
	if (!strcmp(cmd, "pause"))
		return cmd_pause(arg);
	if (!strcmp(cmd, "hostile"))
		return cmd_hostile(arg);
	if (!strcmp(cmd, "getpgid")) {
		printf("%ld\n", syscall(SYS_getpgid, 0));
		return 0;
	}
	if (!strcmp(cmd, "getsid")) {
		printf("%ld\n", syscall(SYS_getsid, 0));
		return 0;
	}
	if (!strcmp(cmd, "sleepers")) { /* N tasks asleep, until killed */
		for (unsigned long n = strtoul(arg, NULL, 10); n > 0; n--)
			if (fork() == 0)
				for (;;)
					pause();
		for (;;)
			pause();
	}
	fprintf(stderr, "usage: drive apply MODULE [dry] | revert [dry] | status | pause N | "
			"hostile BUILD-ID | getpgid | getsid | sleepers N\n");
	return 2;
}
