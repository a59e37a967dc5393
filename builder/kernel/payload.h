/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload: an ordinary kernel module with the new code, made directly from
 * the compiled objects. docs/internals/payload.md.
 */
#ifndef SUTURE_BUILDER_PAYLOAD_H
#define SUTURE_BUILDER_PAYLOAD_H

#include "base/str.h"
#include "diff/select.h"
#include "prove/prove.h"
#include "target/profile.h"

/* One source file of the fix, compared and selected. */
struct sut_payload_unit {
	const char *source;
	const struct sut_unit *exact;	     /* NULL for the payload's own init code */
	const struct sut_atoms *exact_atoms; /* of exact->object */
	struct sut_diff *diff;		     /* NULL for the payload's own init code */
	const struct sut_atoms *atoms;	     /* what is emitted: diff->patched */
	struct sut_selection selection;
};

/* A function whose original gets redirected. */
struct sut_replaced {
	const char *name, *source, *why;
	uint64_t addr; /* link address of the original */
	uint64_t size, new_size;
	uint32_t redirect;
	uint64_t child_addr, child_size; /* its .cold part; size 0: none */
	const char *child_name;
};

/* An unexported symbol the payload reaches through the anchor. */
struct sut_anchored {
	char *name;
	uint64_t addr;
};

struct sut_payload_info {
	const char *module; /* name of the module, shorter than SUTURE_MODULE_MAX */
	const char *id;
	const char *cves; /* space-separated */
	uint32_t level;
	const char *const *busy; /* further functions that must not be on a stack; ends with NULL */
};

struct sut_payload_result {
	struct sut_buf ko;     /* the module */
	struct sut_buf expect; /* the table of expected bytes */
	struct sut_replaced *replaced;
	size_t nreplaced;
	struct sut_strv new_functions, new_data; /* "name size" */
	struct sut_anchored *anchored;
	size_t nanchored;
	uint64_t anchor_addr; /* link address of _printk */
	bool keep;	      /* addresses of new functions or variables may have escaped */
};

/* -EKEYREJECTED: something it refers to could not be proven (exit status 3). */
int sut_payload_build(const struct sut_profile *p, struct sut_payload_unit *units, size_t n,
		      const struct sut_payload_info *info, struct sut_payload_result *ret,
		      struct sut_err *err) _must_check_;
void sut_payload_result_release(struct sut_payload_result *r);

/* C source of the payload's init and exit functions; compiled like the target. */
extern const char sut_payload_init_source[];

#endif
