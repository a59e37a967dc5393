// SPDX-License-Identifier: Apache-2.0
#include "library/map.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum part { PART_HEAD, PART_DISCARDED, PART_MAP };

struct parser {
	struct sut_map *map;
	size_t placed_cap, discarded_cap;
	enum part part;
	bool seen;	     /* the heading of the map */
	char *name;	     /* of a section whose numbers are on the next line; NULL: none */
	bool name_is_output; /* it is an output section */
	const char *output;
	uint64_t output_addr, output_nth;
};

/* "0x0000000000001040": moves *p behind it. */
static bool hex(char **p, uint64_t *ret)
{
	uint64_t v = 0;
	size_t n = 0;
	char *s = *p;

	if (s[0] != '0' || s[1] != 'x')
		return false;
	for (s += 2; n < 16; s++, n++) {
		unsigned int d = (unsigned int)*s - '0';

		if (d > 9) {
			d = ((unsigned int)*s | 0x20) - 'a';
			if (d > 5)
				break;
			d += 10;
		}
		v = v << 4 | d;
	}
	if (!n || (*s && *s != ' '))
		return false;
	*p = s + strspn(s, " ");
	*ret = v;
	return true;
}

static int grow(struct sut_map_entry **v, size_t n, size_t *cap, struct sut_err *err)
{
	struct sut_map_entry *p;
	size_t want = *cap ? *cap * 2 : 256;

	if (n < *cap)
		return 0;
	if (want > SUT_MAP_ENTRIES_MAX)
		return sut_err_set(err, E2BIG, "the link map has too many sections");
	p = realloc(*v, want * sizeof(*p));
	if (!p)
		return sut_err_oom(err);
	*v = p;
	*cap = want;
	return 0;
}

/* "libx.a(member.o)" */
static void split_member(char *file, const char **ret_member)
{
	size_t n = strlen(file);
	char *open = strrchr(file, '(');

	*ret_member = "";
	if (!n || file[n - 1] != ')' || !open || open == file)
		return;
	file[n - 1] = 0;
	*open = 0;
	*ret_member = open + 1;
}

static int add(struct parser *p, const char *section, uint64_t addr, uint64_t size, char *file,
	       struct sut_err *err)
{
	bool gone = p->part == PART_DISCARDED;
	struct sut_map *m = p->map;
	struct sut_map_entry e = {
		.section = section, .file = file, .output = "", .addr = addr, .size = size};
	int r;

	if (!size || !*file || (!gone && !p->output))
		return 0;
	r = gone ? grow(&m->discarded, m->ndiscarded, &p->discarded_cap, err)
		 : grow(&m->placed, m->nplaced, &p->placed_cap, err);
	if (r < 0)
		return r;
	split_member(file, &e.member);
	if (!gone) {
		e.output = p->output;
		e.output_addr = p->output_addr;
		e.output_nth = p->output_nth;
		m->placed[m->nplaced++] = e;
	} else {
		m->discarded[m->ndiscarded++] = e;
	}
	return 0;
}

static void set_output(struct parser *p, const char *name, uint64_t addr)
{
	/* A relocatable link keeps several sections of one name, next to each other. */
	p->output_nth = p->output && sut_streq(p->output, name) ? p->output_nth + 1 : 0;
	p->output = name;
	p->output_addr = addr;
}

/* The numbers and what follows them, for a name that is known. */
static int numbers(struct parser *p, char *name, bool output, char *s, struct sut_err *err)
{
	uint64_t addr, size;

	if (!hex(&s, &addr) || !hex(&s, &size))
		return 0;
	if (output)
		set_output(p, name, addr);
	else
		return add(p, name, addr, size, s, err);
	return 0;
}

static int parse_line(struct parser *p, char *line, struct sut_err *err)
{
	char *pending = p->name, *s = line + strspn(line, " "), *end;
	bool output = s == line;

	p->name = NULL;
	if (sut_streq(line, "Discarded input sections")) {
		p->part = PART_DISCARDED;
		return 0;
	}
	if (sut_streq(line, "Memory Configuration")) {
		p->part = PART_HEAD;
		return 0;
	}
	if (sut_streq(line, "Linker script and memory map")) {
		p->part = PART_MAP;
		p->seen = true;
		return 0;
	}
	if (p->part == PART_HEAD || !*s)
		return 0;
	/* What belongs to a name on the line before begins in column 16. */
	if (s - line >= 8)
		return pending ? numbers(p, pending, p->name_is_output, s, err) : 0;
	if (s - line > 1 || *s == '*' || (output && p->part == PART_DISCARDED))
		return 0;
	end = s + strcspn(s, " ");
	if (!*end) {
		p->name = s;
		p->name_is_output = output;
		return 0;
	}
	if (strncmp(end + strspn(end, " "), "0x", 2) != 0)
		return 0;
	*end++ = 0;
	return numbers(p, s, output, end + strspn(end, " "), err);
}

int sut_map_parse(const void *text, size_t len, struct sut_map **ret, struct sut_err *err)
{
	_cleanup_(sut_map_freep) struct sut_map *m = calloc(1, sizeof(*m));
	struct parser p = {.map = m};

	if (!m)
		return sut_err_oom(err);
	if (len > SUT_MAP_MAX)
		return sut_err_set(err, E2BIG, "the link map is too long");
	if (len && memchr(text, 0, len))
		return sut_err_reason(err, EBADMSG, "map", "the link map is not text");
	m->text = malloc(len + 1);
	if (!m->text)
		return sut_err_oom(err);
	if (len)
		memcpy(m->text, text, len);
	m->text[len] = 0;
	for (char *line = m->text, *next; line; line = next) {
		int r;

		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		r = parse_line(&p, line, err);
		if (r < 0)
			return r;
	}
	if (!p.seen)
		return sut_err_reason(err, EBADMSG, "map",
				      "this is no link map of GNU ld; other linkers are not known");
	*ret = sut_steal(m);
	return 0;
}

void sut_map_free(struct sut_map *m)
{
	if (!m)
		return;
	free(m->placed);
	free(m->discarded);
	free(m->text);
	free(m);
}

void sut_map_freep(struct sut_map **m)
{
	sut_map_free(*m);
}
