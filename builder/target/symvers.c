// SPDX-License-Identifier: Apache-2.0
#include "target/symvers.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum { FIELDS = 5 };

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct sut_export *)a)->name, ((const struct sut_export *)b)->name);
}

/* Cuts line at its tabs; fields that are not there are "". Returns how many there
 * are; FIELDS + 1 for more. */
static size_t cut(char *line, char *f[FIELDS])
{
	size_t n = 0;

	for (size_t i = 0; i < FIELDS; i++)
		f[i] = line + strlen(line);
	while (n < FIELDS) {
		char *tab = strchr(line, '\t');

		f[n++] = line;
		if (!tab)
			return n;
		if (n == FIELDS)
			break;
		*tab = 0;
		line = tab + 1;
	}
	return FIELDS + 1;
}

static bool parse_line(char *line, struct sut_export *e)
{
	char *f[FIELDS];
	size_t n = cut(line, f);
	uint64_t crc;

	/* Before 5.9 the namespace was the fourth field; these kernels are out of range. */
	if (n < 4 || n > FIELDS || !*f[1] || !*f[2] || !sut_startswith(f[0], "0x") ||
	    sut_parse_u64(f[0], UINT32_MAX, &crc) < 0)
		return false;
	*e = (struct sut_export){.name = f[1], .module = f[2], .ns = f[4], .crc = (uint32_t)crc};
	if (sut_streq(f[3], "EXPORT_SYMBOL_GPL"))
		e->gpl = true;
	else if (!sut_streq(f[3], "EXPORT_SYMBOL"))
		return false;
	return true;
}

int sut_symvers_parse(const void *data, size_t len, struct sut_symvers *ret, struct sut_err *err)
{
	struct sut_symvers s = {0};
	size_t lines = 0, no = 0;
	char *p;

	if (len > SUT_SYMVERS_MAX)
		return sut_err_set(err, EFBIG,
				   "Module.symvers is larger than the limit of %d bytes",
				   SUT_SYMVERS_MAX);
	if (memchr(data, 0, len))
		return sut_err_set(err, EBADMSG, "Module.symvers has a NUL byte");
	for (size_t i = 0; i < len; i++)
		lines += ((const char *)data)[i] == '\n';
	s.text = malloc(len + 1);
	s.exports = calloc(lines + 1, sizeof(*s.exports));
	if (!s.text || !s.exports) {
		sut_symvers_release(&s);
		return sut_err_oom(err);
	}
	memcpy(s.text, data, len);
	s.text[len] = 0;
	for (p = s.text; *p;) {
		char *nl = strchr(p, '\n'), *next = nl ? nl + 1 : p + strlen(p);

		if (nl)
			*nl = 0;
		no++;
		if (*p && !parse_line(p, &s.exports[s.n++])) {
			sut_symvers_release(&s);
			return sut_err_set(err, EBADMSG, "line %zu of Module.symvers is malformed",
					   no);
		}
		p = next;
	}
	qsort(s.exports, s.n, sizeof(*s.exports), compare);
	*ret = s;
	return 0;
}

const struct sut_export *sut_symvers_find(const struct sut_export *exports, size_t n,
					  const char *name)
{
	struct sut_export key = {.name = name};

	return n ? bsearch(&key, exports, n, sizeof(key), compare) : NULL;
}

void sut_symvers_release(struct sut_symvers *s)
{
	free(s->exports);
	free(s->text);
	*s = (struct sut_symvers){0};
}
