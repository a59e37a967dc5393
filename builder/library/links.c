// SPDX-License-Identifier: Apache-2.0
#include "library/links.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

static int by_hash(const void *a, const void *b)
{
	const struct sut_record *x = *(const struct sut_record *const *)a;
	const struct sut_record *y = *(const struct sut_record *const *)b;
	int c = strcmp(x->hash, y->hash);

	/* The log's own order, which qsort() does not keep. */
	return c ? c : x < y ? -1 : x > y;
}

const struct sut_record *const *sut_links_with_hash(const struct sut_links *l, const char *hash,
						    size_t *ret_n)
{
	size_t lo = 0, hi = l->n, end;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(l->by_hash[mid]->hash, hash) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (end = lo; end < l->n && sut_streq(l->by_hash[end]->hash, hash); end++)
		;
	*ret_n = end - lo;
	return l->by_hash + lo;
}

const struct sut_record *sut_links_last(const struct sut_links *l, const char *hash)
{
	size_t n;
	const struct sut_record *const *v = sut_links_with_hash(l, hash, &n);

	while (n--)
		if (v[n]->link)
			return v[n];
	return NULL;
}

int sut_links_read(const struct sut_links *l, const char *hash, struct sut_buf *b,
		   struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", l->store, hash);

	if (!path)
		return sut_err_oom(err);
	*b = SUT_BUF_INIT(SUT_LINKED_MAX);
	return sut_file_read(path, b, err);
}

/* Reading what every link wrote takes a second or two for the largest packages. */
static int read_ids(struct sut_links *l, struct sut_err *err)
{
	l->ids = calloc(l->log->n + 1, sizeof(*l->ids));
	if (!l->ids)
		return sut_err_oom(err);
	for (size_t i = 0; i < l->log->n; i++) {
		_cleanup_(sut_linked_freep) struct sut_linked *made = NULL;
		_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_LINKED_MAX);

		if (!l->log->v[i].link || sut_links_read(l, l->log->v[i].hash, &b, NULL) < 0 ||
		    sut_linked_parse(b.data, b.len, &made, NULL) < 0 || !made->has_build_id)
			continue;
		memcpy(l->ids[l->nids].build_id, made->build_id, SUT_LIB_BUILD_ID_LEN);
		l->ids[l->nids].link = &l->log->v[i];
		l->ids[l->nids].soname = strdup(made->soname);
		if (!l->ids[l->nids++].soname)
			return sut_err_oom(err);
	}
	return 0;
}

int sut_links_index(struct sut_links *l, struct sut_err *err)
{
	const struct sut_record **v = calloc(l->log->n + 1, sizeof(const struct sut_record *));
	size_t n = 0;

	if (!v)
		return sut_err_oom(err);
	for (size_t i = 0; i < l->log->n; i++)
		if (*l->log->v[i].hash)
			v[n++] = &l->log->v[i];
	if (n)
		qsort(v, n, sizeof(const struct sut_record *), by_hash);
	l->by_hash = v;
	l->n = n;
	return read_ids(l, err);
}

void sut_links_release(struct sut_links *l)
{
	for (size_t i = 0; i < l->nids; i++)
		free(l->ids[i].soname);
	free((void *)l->by_hash);
	free(l->ids);
	l->by_hash = NULL;
	l->ids = NULL;
	l->n = l->nids = 0;
}

const struct sut_record *sut_links_made(const struct sut_links *l, const char *hash,
					const uint8_t *build_id)
{
	const struct sut_record *found = sut_links_last(l, hash);

	for (size_t i = l->nids; i-- && !found && build_id;)
		if (!memcmp(l->ids[i].build_id, build_id, SUT_LIB_BUILD_ID_LEN))
			found = l->ids[i].link;
	return found;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Bytes of code that both have at the same address. */
static uint64_t alike(const struct sut_linked *a, const struct sut_linked *b)
{
	uint64_t n = 0;

	for (size_t i = 0; i < a->nloads; i++) {
		const Elf64_Phdr *s = &a->loads[i];
		const uint8_t *x = sut_linked_bytes(a, s->p_vaddr, s->p_filesz);
		const uint8_t *y = sut_linked_bytes(b, s->p_vaddr, s->p_filesz);

		for (uint64_t k = 0; (s->p_flags & PF_X) && x && y && k < s->p_filesz; k++)
			n += x[k] == y[k];
	}
	return n;
}

const struct sut_record *sut_links_alike(const struct sut_links *l,
					 const struct sut_linked *shipped, const char *path)
{
	const struct sut_record *best = NULL;
	uint64_t most = 0;

	for (size_t i = 0; i < l->nids; i++) {
		_cleanup_(sut_linked_freep) struct sut_linked *made = NULL;
		_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_LINKED_MAX);
		const struct sut_links_id *id = &l->ids[i];
		uint64_t n;

		if (!(*shipped->soname && sut_streq(id->soname, shipped->soname)) &&
		    !sut_streq(base_name(id->link->out), base_name(path)))
			continue;
		if (sut_links_read(l, id->link->hash, &b, NULL) < 0 ||
		    sut_linked_parse(b.data, b.len, &made, NULL) < 0)
			continue;
		n = alike(shipped, made);
		if (n > most) {
			most = n;
			best = id->link;
		}
	}
	return best;
}
