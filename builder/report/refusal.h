/* SPDX-License-Identifier: Apache-2.0 */
/* Why a fix cannot be applied live: a list, so that the author sees all of it at once. */
#ifndef SUTURE_BUILDER_REFUSAL_H
#define SUTURE_BUILDER_REFUSAL_H

#include <jansson.h>
#include <stdio.h>

#include "base/err.h"

struct sut_refusal {
	char *reason;	   /* word of the table in docs/internals/differ.md, e.g. "changed-data" */
	char *name;	   /* function, variable, type or file it is about */
	char *source;	   /* "net/unix/af_unix.c" */
	unsigned int line; /* in the patched source; 0: not known */
	char *text;	   /* what is wrong, and what to do */
};

struct sut_refusals {
	struct sut_refusal *v;
	size_t n;
};

/* Adds one; the same reason for the same name is added once. */
int sut_refuse(struct sut_refusals *l, const char *reason, const char *name, const char *source,
	       unsigned int line, const char *fmt, ...) _printf_(6, 7) _must_check_;
/* Adds what an error with a reason says. */
int sut_refuse_error(struct sut_refusals *l, const char *name, const char *source,
		     const struct sut_err *err) _must_check_;
void sut_refusals_print(const struct sut_refusals *l, FILE *f);
json_t *sut_refusals_json(const struct sut_refusals *l);
void sut_refusals_release(struct sut_refusals *l);

#endif
