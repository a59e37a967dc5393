// SPDX-License-Identifier: Apache-2.0
#include "fix/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "fix/csource.h"

static int cut(struct sut_text *t)
{
	uint32_t n = 0;

	for (size_t i = 0; i < t->bytes.len; i++)
		n += t->bytes.data[i] == '\n';
	if (t->bytes.len && t->bytes.data[t->bytes.len - 1] != '\n')
		n++;
	t->start = calloc((size_t)n + 1, sizeof(*t->start));
	if (!t->start)
		return -ENOMEM;
	t->nlines = n;
	n = 0;
	for (size_t i = 0; i < t->bytes.len; i++)
		if (i == 0 || t->bytes.data[i - 1] == '\n')
			t->start[n++] = (uint32_t)i;
	t->start[n] = (uint32_t)t->bytes.len;
	return 0;
}

int sut_text_read(const char *path, struct sut_text *ret, struct sut_err *err)
{
	struct sut_text t = {.bytes = SUT_BUF_INIT(SUT_CSOURCE_MAX)};
	int r = 0;

	t.exists = sut_exists(path);
	if (t.exists)
		r = sut_file_read(path, &t.bytes, err);
	if (r == 0 && cut(&t) < 0)
		r = sut_err_oom(err);
	if (r < 0) {
		sut_text_release(&t);
		return r;
	}
	*ret = t;
	return 0;
}

int sut_text_set(const void *data, size_t len, struct sut_text *ret)
{
	struct sut_text t = {.bytes = SUT_BUF_INIT(SUT_CSOURCE_MAX), .exists = true};

	if (sut_buf_add(&t.bytes, data, len) < 0 || cut(&t) < 0) {
		sut_text_release(&t);
		return -ENOMEM;
	}
	*ret = t;
	return 0;
}

void sut_text_release(struct sut_text *t)
{
	sut_buf_release(&t->bytes);
	free(t->start);
	t->start = NULL;
	t->nlines = 0;
}

const char *sut_text_line(const struct sut_text *t, uint32_t no, size_t *ret_len)
{
	*ret_len = t->start[no] - t->start[no - 1];
	return (const char *)t->bytes.data + t->start[no - 1];
}
