/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who else changes the code that a patch is about: kernel livepatches,
 * kprobes, other patchers. Found by name, before anything happens.
 *
 * The scanners are pure functions of text that the kernel gives.
 */
#ifndef SUTURE_AGENT_CONFLICT_H
#define SUTURE_AGENT_CONFLICT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "patch/expect.h"

enum { SUT_CONFLICTS_MAX = 256, SUT_CONFLICT_TEXT_MAX = 4 << 20 };

struct sut_conflict {
	const char *kind;		/* "livepatch", "kprobe", "module", "unknown" */
	bool fatal;			/* false: worth a note, harmless for us */
	char function[SUTURE_NAME_MAX]; /* "" when it is not about one */
	uint32_t offset;		/* kprobe: in function */
	char what[256];			/* one sentence, without a full stop */
};

/* Zero-initialise; at most SUT_CONFLICTS_MAX are kept. */
struct sut_conflicts {
	struct sut_conflict *v;
	size_t n;
};

void sut_conflicts_release(struct sut_conflicts *c);
size_t sut_conflicts_fatal(const struct sut_conflicts *c);

/* /sys/kernel/debug/kprobes/list. */
int sut_conflict_kprobe_list(const char *text, const struct sut_expect_table *t,
			     struct sut_conflicts *c, struct sut_err *err) _must_check_;

/* tracing/kprobe_events. */
int sut_conflict_kprobe_events(const char *text, const struct sut_expect_table *t,
			       struct sut_conflicts *c, struct sut_err *err) _must_check_;

/* /proc/modules. */
int sut_conflict_modules(const char *text, struct sut_conflicts *c,
			 struct sut_err *err) _must_check_;

/* The folders <root>/sys/kernel/livepatch/PATCH/vmlinux/FUNCTION,N. */
int sut_conflict_livepatch(const char *root, const struct sut_expect_table *t,
			   struct sut_conflicts *c, struct sut_err *err) _must_check_;

/* All of the above; root is "" but in tests. */
int sut_conflict_scan(const char *root, const struct sut_expect_table *t, struct sut_conflicts *c,
		      struct sut_err *err) _must_check_;

/* Names the kprobe at func+offset, from both texts (either may be ""). False
 * when none is known. */
bool sut_conflict_name_probe(const char *list, const char *events, const char *func,
			     uint32_t offset, char *ret, size_t len);

/* The same with the kernel's texts. */
bool sut_conflict_who_probes(const char *root, const char *func, uint32_t offset, char *ret,
			     size_t len);

#endif
