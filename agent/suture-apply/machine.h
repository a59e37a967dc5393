/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine, as suture-apply sees it: everything it asks of or does to the kernel. machine_real() is this one;
 * tests bring one that is kept in a file, so that what suture-apply decides can be tried where no kernel can
 * be patched.
 */
#ifndef SUTURE_AGENT_APPLY_MACHINE_H
#define SUTURE_AGENT_APPLY_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "kernel/loaded.h"
#include "kernel/report.h"

struct machine_kernel {
	char release[65], arch[65];
	char build_id[2 * SUTURE_BUILD_ID_LEN + 1];
	char kernel_id[41];    /* SHA-1 of /proc/version, hexadecimal */
	char boot_id[37];      /* /proc/sys/kernel/random/boot_id */
	char product_uuid[65]; /* "" when there is none */
	int64_t uptime_s;      /* with the time asleep: CLOCK_BOOTTIME */
	char cmdline[4096];    /* /proc/cmdline */
};

struct machine_patch { /* what is applied */
	bool applied;
	char id[SUTURE_ID_MAX];
	uint32_t level;
	int64_t applied_at;
	uint64_t pause_ns;
	char *functions; /* names, one a line; freed by machine_patch_release() */
};
void machine_patch_release(struct machine_patch *p);

enum machine_support {
	MACHINE_SUPPORTED,
	MACHINE_CONTAINER, /* its kernel is another one's business */
	MACHINE_ARCH,	   /* no engine for this architecture */
	MACHINE_FOREIGN,   /* another live patcher is at work */
};

struct machine_engine {
	bool loaded;
	char version[64];
	uint32_t abi;
	bool installed;	  /* one for the running kernel lies in its module folder */
	bool signed_only; /* the kernel loads signed modules only: lockdown, or so configured */
};

struct machine {
	void *ctx;
	int (*kernel)(void *ctx, struct machine_kernel *ret, struct sut_err *err);
	/* what: for people, when the answer is not MACHINE_SUPPORTED */
	int (*support)(void *ctx, enum machine_support *ret, char what[256], struct sut_err *err);
	int (*patch)(void *ctx, struct machine_patch *ret, struct sut_err *err);
	/* Is the engine loaded; changes nothing. */
	int (*engine)(void *ctx, struct machine_engine *ret, struct sut_err *err);
	/*
	 * Loads it when it is not: ko (NULL: the one that is installed for the running kernel, by DKMS or a package).
	 * -ENOENT (reason "no-engine") when there is none, -EKEYREJECTED (reason
	 * "engine-refused") when the kernel does not take it for want of a signature that it trusts.
	 */
	int (*engine_load)(void *ctx, const struct sut_buf *ko, struct sut_err *err);
	/* Would it apply: right kernel, no conflicts, running code as expected. Fills rep as `suture verify` does. */
	int (*verify)(void *ctx, const struct sut_loaded *l, struct sut_report *rep);
	/* force: also to a lower level. Fills rep as `suture apply` does. */
	int (*apply)(void *ctx, const struct sut_loaded *l, bool force, bool dry_run,
		     struct sut_report *rep);
	int (*revert)(void *ctx, struct sut_report *rep);
	/* Adds the kernel's messages since `since_us` to *out: microseconds on the clock of uptime_s. */
	int (*messages)(void *ctx, uint64_t since_us, struct sut_buf *out, struct sut_err *err);
	/* Adds the names of what the last kernel left in /sys/fs/pstore, and the first lines of its messages. */
	int (*remains)(void *ctx, struct sut_buf *out, struct sut_err *err);
};

/* root: for tests of reading; "" */
void machine_real(const char *root, struct machine *ret);

#endif
