/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/line.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Puts a word before the others and forgets those beyond max. */
static void remember(char *list, size_t size, const char *word, unsigned int max)
{
	size_t len = strlen(word), keep = strlen(list);
	unsigned int n = 1;

	for (size_t i = 0; i < keep; i++)
		if (list[i] == ' ' && ++n >= max)
			keep = i;
	if (len + 1 > size)
		return;
	if (max == 1 || len + 1 + keep + 1 > size)
		keep = 0;
	memmove(list + len + 1, list, keep);
	memcpy(list, word, len);
	list[len] = keep ? ' ' : 0;
	list[len + 1 + keep - !keep] = 0;
}

/* The place of a word in the list, from 0; -1. */
static int find(const char *list, const char *word)
{
	size_t len = strlen(word);
	int n = 0;

	for (const char *p = list; *p; n++) {
		size_t have = strcspn(p, " ");

		if (have == len && !memcmp(p, word, len))
			return n;
		p += have;
		p += *p == ' ';
	}
	return -1;
}

/* Keeps what is younger than the window, and counts it. *ret_has: whether serial is among it. */
static unsigned int expire(char *list, size_t size, int64_t now, int64_t serial, bool *ret_has)
{
	char kept[LINE_DISPLACED_SIZE] = "";
	size_t len = 0;
	unsigned int n = 0;

	*ret_has = false;
	for (const char *p = list; *p;) {
		size_t word = strcspn(p, " ");
		char *at = NULL;
		long long s = strtoll(p, &at, 10), t = *at == '@' ? strtoll(at + 1, NULL, 10) : 0;

		if (t > now - LINE_WINDOW_SEC && len + word + 2 < sizeof(kept)) {
			len += (size_t)snprintf(kept + len, sizeof(kept) - len, "%s%.*s",
						n ? " " : "", (int)word, p);
			n++;
			*ret_has |= s == serial;
		}
		p += word;
		p += *p == ' ';
	}
	snprintf(list, size, "%s", kept);
	return n;
}

void line_restart(struct line *l, int64_t serial, const char *nonce)
{
	*l = (struct line){.serial = (serial > l->serial ? serial : l->serial) + 1};
	snprintf(l->nonces, sizeof(l->nonces), "%s", nonce);
}

void line_told(struct line *l, int64_t now)
{
	l->conflict_at = now;
	l->told_at = now;
}

enum line_verdict line_step(struct line *l, int64_t serial, const char *nonce, int64_t now)
{
	enum line_verdict v = serial == l->serial ? LINE_ON : LINE_AHEAD;

	if (serial < l->serial) {
		char word[48];
		unsigned int conflicts;
		bool both;
		int seen = find(l->nonces, nonce);

		if (seen >= 0)
			return seen == 0 ? LINE_REPEAT : LINE_LATE;
		conflicts = expire(l->displaced, sizeof(l->displaced), now, serial, &both);
		if (both || conflicts >= LINE_CONFLICTS_MAX) {
			line_told(l, now);
			return LINE_CLONED;
		}
		snprintf(word, sizeof(word), "%lld@%lld", (long long)l->serial, (long long)now);
		remember(l->displaced, sizeof(l->displaced), word, LINE_CONFLICTS_MAX);
		l->conflict_at = now;
		serial = l->serial;
		v = LINE_CONFLICT;
	}
	l->serial = serial + 1;
	remember(l->nonces, sizeof(l->nonces), nonce, LINE_NONCES);
	return v;
}
