// SPDX-License-Identifier: Apache-2.0
/* /proc/PID/maps. The kernel writes it in pieces while the process goes on, so two lines may tell of different moments. */
#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "look/proc.h"

struct cursor {
	const char *s, *end;
};

static bool hex(struct cursor *c, uint64_t *ret)
{
	uint64_t v = 0;
	size_t n = 0;

	for (; c->s < c->end; c->s++, n++) {
		char ch = *c->s;
		unsigned int d;

		if (ch >= '0' && ch <= '9')
			d = (unsigned int)(ch - '0');
		else if (ch >= 'a' && ch <= 'f')
			d = (unsigned int)(ch - 'a') + 10;
		else
			break;
		if (v >> 60)
			return false;
		v = v << 4 | d;
	}
	*ret = v;
	return n > 0;
}

static bool decimal(struct cursor *c, uint64_t *ret)
{
	uint64_t v = 0;
	size_t n = 0;

	for (; c->s < c->end && *c->s >= '0' && *c->s <= '9'; c->s++, n++)
		if (__builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (unsigned int)(*c->s - '0'), &v))
			return false;
	*ret = v;
	return n > 0;
}

static bool one(struct cursor *c, char ch)
{
	if (c->s >= c->end || *c->s != ch)
		return false;
	c->s++;
	return true;
}

static bool flag(struct cursor *c, char yes, char no, bool *ret)
{
	if (one(c, yes))
		*ret = true;
	else if (one(c, no))
		*ret = false;
	else
		return false;
	return true;
}

/* The kernel writes a newline in a path as \012 and nothing else so. */
static void path(struct cursor *c, struct proc_map *m)
{
	static const char gone[] = " (deleted)";
	size_t n = 0, len;

	while (c->s < c->end && *c->s == ' ')
		c->s++;
	len = (size_t)(c->end - c->s);
	if (len > sizeof(gone) - 1 &&
	    !memcmp(c->end - (sizeof(gone) - 1), gone, sizeof(gone) - 1)) {
		m->deleted = true;
		len -= sizeof(gone) - 1;
	}
	for (size_t i = 0; i < len && n < sizeof(m->path) - 1; n++) {
		if (len - i >= 4 && !memcmp(c->s + i, "\\012", 4)) {
			m->path[n] = '\n';
			i += 4;
		} else {
			m->path[n] = c->s[i++];
		}
	}
	m->path[n] = 0;
}

static bool line(const char *s, const char *end, struct proc_map *m)
{
	struct cursor c = {s, end};
	uint64_t major, minor;

	/* The path is the larger part, and needs no zeros behind its own. */
	m->deleted = false;
	if (!hex(&c, &m->start) || !one(&c, '-') || !hex(&c, &m->end) || !one(&c, ' ') ||
	    !flag(&c, 'r', '-', &m->r) || !flag(&c, 'w', '-', &m->w) ||
	    !flag(&c, 'x', '-', &m->x) || !flag(&c, 's', 'p', &m->shared) || !one(&c, ' ') ||
	    !hex(&c, &m->offset) || !one(&c, ' ') || !hex(&c, &major) || !one(&c, ':') ||
	    !hex(&c, &minor) || !one(&c, ' ') || !decimal(&c, &m->ino))
		return false;
	if (c.s < c.end && *c.s != ' ')
		return false;
	if (m->start >= m->end || (m->start | m->end) % SUT_LIBRARY_PAGE ||
	    m->offset % SUT_LIBRARY_PAGE || major > UINT32_MAX || minor > UINT32_MAX)
		return false;
	m->dev = makedev((unsigned int)major, (unsigned int)minor);
	path(&c, m);
	return true;
}

int proc_maps_parse(const char *text, size_t len, struct proc_map **ret, size_t *ret_n,
		    struct sut_err *err)
{
	_cleanup_(sut_freep) struct proc_map *v = NULL;
	size_t n = 0, cap = 0, lines = 0;
	const char *end = text + len;

	for (const char *s = text, *nl; s < end; s = nl + 1) {
		struct proc_map *m;

		nl = memchr(s, '\n', (size_t)(end - s));
		lines++;
		if (!nl)
			return sut_err_reason(err, EBADMSG, "maps",
					      "The list of mappings ends within line %zu.", lines);
		if (n == cap) {
			struct proc_map *bigger;
			size_t more = cap ? cap * 2 : 128;

			if (more > PROC_MAPS_MAX)
				more = PROC_MAPS_MAX;
			if (n == more)
				return sut_err_reason(
					err, EOVERFLOW, "maps",
					"The process has more than %d mappings, which is more than "
					"is looked at. Restart it with the updated package.",
					PROC_MAPS_MAX);
			bigger = reallocarray(v, more, sizeof(*v));
			if (!bigger)
				return sut_err_oom(err);
			v = bigger;
			cap = more;
		}
		m = &v[n];
		if (!line(s, nl, m))
			return sut_err_reason(err, EBADMSG, "maps",
					      "Line %zu of the list of mappings is malformed.",
					      lines);
		/* A mapping that grew between two pieces comes twice: what was told first counts. */
		if (n && m->start < v[n - 1].end) {
			uint64_t cut = v[n - 1].end - m->start;

			if (m->end <= v[n - 1].end)
				continue;
			m->start += cut;
			m->offset = m->ino ? m->offset + cut : 0;
		}
		n++;
	}
	*ret = sut_steal(v);
	*ret_n = n;
	return 0;
}
