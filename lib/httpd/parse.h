/* SPDX-License-Identifier: Apache-2.0 */
/* The parsers of what clients send: pure functions of strings. */
#ifndef SUTURE_HTTPD_PARSE_H
#define SUTURE_HTTPD_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cidr.h"

enum { HTTPD_ADDRESS = 46, HTTPD_DATE = 32 };

/* Is it a token of RFC 9110 5.6.2 (names of methods and headers)? */
bool httpd_is_token(const char *s, size_t len);

/* Cuts a request target into path and query, in place; takes "http://host" off an absolute one.
 * *ret_query is "" without one. -EBADMSG: neither "/…" nor absolute nor "*", or it holds bytes that
 * a target cannot have. */
int httpd_split_target(char *target, char **ret_path, char **ret_query) _must_check_;

struct httpd_arg {
	const char *name, *value;
};

/* Cuts and decodes a query in place. How many there are, at most max; -E2BIG: more; -EBADMSG: a
 * malformed %XX, or one that is a NUL. */
int httpd_parse_query(char *query, struct httpd_arg *args, size_t max) _must_check_;

enum httpd_range {
	HTTPD_RANGE_ALL, /* no range, more than one, or none that we understand: send the whole */
	HTTPD_RANGE_PART,
	HTTPD_RANGE_BEYOND, /* nothing of it is there: 416 */
};
/* The value of a Range header for something of size bytes. *ret_from and *ret_len are written for
 * HTTPD_RANGE_PART: at least one byte, all of them there. */
enum httpd_range httpd_parse_range(const char *s, uint64_t size, uint64_t *ret_from,
				   uint64_t *ret_len);

/* X-Forwarded-For, all its lines joined by commas: the last address that is not one of the
 * proxies; the first of all when all are. -EINVAL: the last entries lead to none. */
int httpd_forwarded_for(const char *list, const struct sut_cidr *proxies, size_t n,
			char ret[HTTPD_ADDRESS]) _must_check_;
/* X-Forwarded-Proto: is the last entry "https"? */
bool httpd_forwarded_https(const char *list);

/* Is etag (with its quotes) in the list of If-None-Match? Weak ones match, too. "*" has all. */
bool httpd_etag_listed(const char *list, const char *etag);

/* Does Accept-Encoding take gzip? */
bool httpd_takes_gzip(const char *accept_encoding);

/* "Sun, 22 Nov 2026 02:47:44 GMT" to seconds and back. -EINVAL: anything else. */
int httpd_parse_date(const char *s, int64_t *ret) _must_check_;
void httpd_format_date(int64_t seconds, char ret[HTTPD_DATE]);

/* A relative path without empty, "." and ".." parts, and without control characters. */
bool httpd_path_is_plain(const char *path);

#endif
