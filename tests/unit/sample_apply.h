/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suture-apply in this process, on a machine that is kept in a file (tests/sim): a root folder with a key
 * that is trusted, patches and engines signed by it, and calls that come as from a socket.
 */
#ifndef SUTURE_TESTS_SAMPLE_APPLY_H
#define SUTURE_TESTS_SAMPLE_APPLY_H

#include <jansson.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/key.h"
#include "crypto/sha256.h"
#include "machine_file.h"
#include "suture-apply/apply.h"
#include "suture-apply/server.h"

struct sample_apply {
	char *root;
	struct apply a;
	struct server server; /* who we are is root to it; its listener is -1 */
	struct sut_privkey *vendor, *stranger;
};

struct sample_signed {
	struct sut_buf file, sig;
	char sha256[SUT_SHA256_HEX];
};

/* For cmocka: *state becomes a struct sample_apply. */
int sample_apply_setup(void **state);
int sample_apply_teardown(void **state);

/* A patch, signed by key. build_id: NULL for that of the machine. Released with sample_signed_release(). */
void sample_signed_patch(const struct sut_privkey *key, uint32_t level, const char *id,
			 const char *build_id, struct sample_signed *ret);
/* An "engine". */
void sample_signed_engine(const struct sut_privkey *key, uint32_t abi, const char *build_id,
			  struct sample_signed *ret);
void sample_signed_release(struct sample_signed *s);

/* A memfd with these seals. */
int sample_memfd(const void *data, size_t len, int seals);
enum { SAMPLE_SEALED = 0x0001 | 0x0002 | 0x0004 | 0x0008 };

/* The text of a request with files (-1: none); they stay the caller's. *err is that of an answer that says no. */
int sample_call_fds(struct sample_apply *s, const char *request, int fd1, int fd2, json_t **ret,
		    struct sut_err *err);
int sample_call(struct sample_apply *s, json_t **ret, struct sut_err *err, const char *fmt, ...)
	_printf_(4, 5);
/* stage, with sealed memfds. */
int sample_stage(struct sample_apply *s, const struct sample_signed *p, json_t **ret,
		 struct sut_err *err);
/* Makes and stages one; its digest in ret. */
void sample_have(struct sample_apply *s, uint32_t level, const char *id,
		 char ret[static SUT_SHA256_HEX]);

/* A string or number of the machine ("patch.id"); "" when it is not there. */
void sample_machine(struct sample_apply *s, const char *key, char *ret, size_t len);
void sample_fail(struct sample_apply *s, const char *operation, const char *how);

#endif
