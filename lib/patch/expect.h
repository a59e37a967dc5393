/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of expected bytes (struct suture_expect_header in uapi/suture.h):
 * what the running kernel must hold before a patch may touch it.
 *
 * suture-build writes it with a builder; suture and the tests read it with a
 * parser that checks everything the engine relies on, so a table that parses
 * here is well formed for the engine too.
 */
#ifndef SUTURE_PATCH_EXPECT_H
#define SUTURE_PATCH_EXPECT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "uapi/suture.h"

/* One function. bytes and mask are `size` bytes each. */
struct sut_expect_func {
	const char *name;      /* shorter than SUTURE_NAME_MAX */
	uint64_t addr;	       /* link address */
	uint32_t size;	       /* 1 … SUT_EXPECT_FUNC_MAX */
	uint32_t flags;	       /* SUTURE_EXPECT_*, at least one */
	uint32_t redirect;     /* SUTURE_REDIRECT_*; NONE exactly when not SUTURE_EXPECT_REPLACE */
	uint32_t redirect_off; /* 0 when NONE */
	const uint8_t *bytes;
	const uint8_t *mask; /* SUTURE_MASK_* */
};

enum { SUT_EXPECT_FUNC_MAX = 1 << 20, SUT_EXPECT_JUMP_LEN = 5 };

/*
 * Building. Records keep the order in which they are added: the first one is
 * expect_index 0 of a payload. _add() copies name, bytes and mask, and refuses
 * (-EINVAL) a record the parser would refuse.
 */
struct sut_expect;

int sut_expect_new(const uint8_t build_id[static SUTURE_BUILD_ID_LEN], uint64_t anchor_addr,
		   struct sut_expect **ret, struct sut_err *err) _must_check_;
int sut_expect_add(struct sut_expect *x, const struct sut_expect_func *f,
		   struct sut_err *err) _must_check_;
size_t sut_expect_count(const struct sut_expect *x);

/* Adds the whole table to *out (its maximum should be SUTURE_MAX_EXPECT).
 * -EINVAL when it is empty or two records overlap. */
int sut_expect_finish(struct sut_expect *x, struct sut_buf *out, struct sut_err *err) _must_check_;
void sut_expect_free(struct sut_expect *x);
void sut_expect_freep(struct sut_expect **x);

/* Reading. The table points into the caller's bytes. */
struct sut_expect_table {
	const uint8_t *data;
	size_t len;
	uint32_t nfuncs;
	uint64_t anchor_addr;
	uint8_t build_id[SUTURE_BUILD_ID_LEN];
};

/* Checks the whole table. -EBADMSG with the record and the reason. */
int sut_expect_parse(const void *data, size_t len, struct sut_expect_table *ret,
		     struct sut_err *err) _must_check_;

/* Record i < t->nfuncs of a parsed table; pointers into the table's bytes. */
struct sut_expect_func sut_expect_at(const struct sut_expect_table *t, uint32_t i);

#endif
