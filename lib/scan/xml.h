/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XML as it comes (expat), for readers that want a few elements of it. Names are without their prefix. No document type is accepted, and
 * with that no entity but those of XML; no encoding but UTF-8, US-ASCII and ISO-8859-1; SUT_SCAN_DEPTH_MAX levels.
 */
#ifndef SUTURE_SCAN_XML_H
#define SUTURE_SCAN_XML_H

#include "internal.h"

enum { XML_NAME_MAX = 48, XML_TEXT_MAX = 4096 };

struct xml;

struct xml_reader {
	/* attrs: name and value in turn, NULL at the end. text of the element is collected when it calls xml_want_text(). */
	int (*start)(void *ctx, struct xml *x, const char *name, const char **attrs,
		     struct sut_err *err);
	/* text: printable, no space around, at most XML_TEXT_MAX bytes; "" when it was not wanted. */
	int (*end)(void *ctx, struct xml *x, const char *name, const char *text,
		   struct sut_err *err);
};

int xml_create(const struct xml_reader *reader, void *ctx, struct xml **ret);
int xml_feed(struct xml *x, const char *bytes, size_t len, struct sut_err *err);
int xml_finish(struct xml *x, struct sut_err *err);
void xml_free(struct xml *x);

void xml_want_text(struct xml *x);
size_t xml_depth(const struct xml *x); /* the root is at 1 */
/* Name of the element so many levels above the present one; "" when there is none. */
const char *xml_above(const struct xml *x, size_t levels);
const char *xml_attr(const char **attrs, const char *name); /* or NULL */
/* "line 12, column 3, in a/b/c" */
void xml_where(const struct xml *x, struct sut_buf *out);
/* -EBADMSG with the place before the message */
int xml_bad(const struct xml *x, struct sut_err *err, const char *fmt, ...) _printf_(3, 4);

#endif
