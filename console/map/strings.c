// SPDX-License-Identifier: Apache-2.0
#include "map/strings.h"

#include <stdint.h>
#include <string.h>

enum { CHUNK = 64 << 10 };

struct chunk {
	struct chunk *next;
	char text[];
};

struct strings {
	struct chunk *chunks;
	size_t used, room;  /* of the newest chunk */
	const char **slots; /* a hash table with open addressing; nslots is a power of two */
	size_t n, nslots;
};

struct strings *strings_new(void)
{
	struct strings *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->nslots = 1024;
	p->slots = calloc(p->nslots, sizeof(void *));
	if (!p->slots) {
		free(p);
		return NULL;
	}
	return p;
}

void strings_free(struct strings *p)
{
	if (!p)
		return;
	for (struct chunk *c = p->chunks; c;) {
		struct chunk *next = c->next;

		free(c);
		c = next;
	}
	free(p->slots);
	free(p);
}

static uint64_t hash(const char *s)
{
	uint64_t h = 0xcbf29ce484222325; /* FNV-1a */

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 0x100000001b3;
	return h ^ h >> 29;
}

static const char **find(const char **slots, size_t n, const char *s)
{
	size_t i = hash(s) & (n - 1);

	while (slots[i] && strcmp(slots[i], s) != 0)
		i = (i + 1) & (n - 1);
	return &slots[i];
}

static int grow(struct strings *p)
{
	size_t want = p->nslots * 2;
	const char **more = calloc(want, sizeof(void *));

	if (!more)
		return -1;
	for (size_t i = 0; i < p->nslots; i++)
		if (p->slots[i])
			*find(more, want, p->slots[i]) = p->slots[i];
	free(p->slots);
	p->slots = more;
	p->nslots = want;
	return 0;
}

static char *take(struct strings *p, size_t len)
{
	char *s;

	if (!p->chunks || p->room - p->used < len) {
		size_t room = len > CHUNK ? len : CHUNK;
		struct chunk *c = malloc(sizeof(*c) + room);

		if (!c)
			return NULL;
		c->next = p->chunks;
		p->chunks = c;
		p->used = 0;
		p->room = room;
	}
	s = p->chunks->text + p->used;
	p->used += len;
	return s;
}

const char *strings_add(struct strings *p, const char *s)
{
	const char **slot = find(p->slots, p->nslots, s), *there = *slot;
	size_t len = strlen(s) + 1;
	char *copy;

	if (there)
		return there;
	if (p->n * 2 >= p->nslots) {
		if (grow(p) < 0)
			return NULL;
		slot = find(p->slots, p->nslots, s);
	}
	copy = take(p, len);
	if (!copy)
		return NULL;
	memcpy(copy, s, len);
	*slot = copy;
	p->n++;
	return copy;
}
