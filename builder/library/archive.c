// SPDX-License-Identifier: Apache-2.0
#include "library/archive.h"

#include <ar.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static int bad(struct sut_err *err)
{
	return sut_err_set(err, EBADMSG, "this is no archive of ar(1)");
}

/* A decimal number in a field that is filled up with blanks. */
static int number(const char *field, size_t len, uint64_t *ret)
{
	char text[17];
	size_t n = 0;

	while (n < len && n < sizeof(text) - 1 && field[n] != ' ')
		n++;
	memcpy(text, field, n);
	text[n] = 0;
	return sut_parse_u64(text, UINT32_MAX, ret);
}

/* "name/", or "/123" which is an offset in the table of long names. */
static char *member_name(const struct ar_hdr *h, const char *names, size_t names_len)
{
	uint64_t off;
	size_t n = 0;

	if (h->ar_name[0] != '/') {
		while (n < sizeof(h->ar_name) && h->ar_name[n] != '/')
			n++;
		return strndup(h->ar_name, n);
	}
	if (number(h->ar_name + 1, sizeof(h->ar_name) - 1, &off) < 0 || off >= names_len)
		return strdup("");
	while (off + n < names_len && n < SUT_ARCHIVE_NAME_MAX && names[off + n] != '\n')
		n++;
	n -= n && names[off + n - 1] == '/';
	return strndup(names + off, n);
}

static int parse(const char *p, size_t len, struct sut_archive *a, struct sut_err *err)
{
	const char *names = NULL;
	size_t names_len = 0, cap = 0;

	for (size_t off = SARMAG; len - off >= sizeof(struct ar_hdr);) {
		struct ar_hdr h;
		uint64_t size;

		memcpy(&h, p + off, sizeof(h));
		off += sizeof(h);
		if (memcmp(h.ar_fmag, ARFMAG, 2) != 0 ||
		    number(h.ar_size, sizeof(h.ar_size), &size) < 0 || size > len - off)
			return bad(err);
		if (!strncmp(h.ar_name, "// ", 3)) {
			names = p + off;
			names_len = size;
		} else if (strncmp(h.ar_name, "/ ", 2) != 0 &&
			   strncmp(h.ar_name, "/SYM64/", 7) != 0) {
			if (a->n == cap) {
				struct sut_archive_member *v;

				cap = cap ? cap * 2 : 64;
				if (cap > SUT_ARCHIVE_MEMBERS_MAX)
					return bad(err);
				v = realloc(a->v, cap * sizeof(*v));
				if (!v)
					return sut_err_oom(err);
				a->v = v;
			}
			a->v[a->n] = (struct sut_archive_member){member_name(&h, names, names_len),
								 (const uint8_t *)p + off, size};
			if (!a->v[a->n++].name)
				return sut_err_oom(err);
		}
		off += size;
		off += off < len && (off & 1);
	}
	return 0;
}

int sut_archive_parse(const void *data, size_t len, struct sut_archive *ret, struct sut_err *err)
{
	struct sut_archive a = {0};
	int r;

	if (len < SARMAG || memcmp(data, ARMAG, SARMAG) != 0)
		return bad(err);
	r = parse(data, len, &a, err);
	if (r < 0)
		sut_archive_release(&a);
	else
		*ret = a;
	return r;
}

void sut_archive_release(struct sut_archive *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->v[i].name);
	free(a->v);
	*a = (struct sut_archive){0};
}
