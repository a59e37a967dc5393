// SPDX-License-Identifier: Apache-2.0
#include "try/klog.h"

#include <stdbool.h>
#include <string.h>

#include "base/str.h"

/* The first words of a report, at the beginning of a message … */
static const char *const starts[] = {
	"WARNING: ",
	"BUG: ",
	"BUG ",
	"Oops",
	"kernel BUG at",
	"Kernel panic",
	"RIP: ",
	"Call Trace:",
	"INFO: task ",
	"rcu: INFO: ",
	"INFO: rcu_",
	"general protection fault",
	"invalid opcode",
	"stack segment",
	"double fault",
	"int3: ",
	"page_fault",
	"Unable to handle",
	"ftrace bug",
	"ftrace failed",
	"ftrace: ",
	"jump_label: Fatal",
	"refcount_t: ",
	"UBSAN: ",
	"KASAN: ",
	"KFENCE: ",
	"watchdog: BUG",
	"NMI watchdog: Watchdog detected",
	"unchecked MSR access",
	"Unexpected",
	"kmemleak: ",
	"sysfs: cannot create duplicate",
	"livepatch: ",
	"PANIC",
	"Fatal exception",
	"Modules linked in:",
};

/* … or anywhere in it. */
static const char *const anywhere[] = {
	"Unpatched return thunk",
	"circular locking",
	"inconsistent lock state",
	"suspicious RCU usage",
	"bad unlock balance",
	"held lock freed",
	"lock held when returning",
	"recursive locking",
	"soft lockup",
	"hard LOCKUP",
	"self-detected stall",
	"detected stalls",
	"kernel stack overflow",
	"corrupted stack end",
	"list_add corruption",
	"list_del corruption",
	"scheduling while atomic",
	"sleeping function called from invalid",
	"segfault at",
	"trap invalid opcode",
	"unwind stack type",
	"Bad or missing .orc_unwind",
	"module verification is broken",
};

static const char marker[] = "suture-try: ";

struct line {
	const char *s; /* after the time stamp and the caller id */
	size_t len;
};

/* "[    1.234567] " and "[    1.234567][ T12] " are cut off. */
static struct line message(const char *s, size_t len)
{
	while (len && s[len - 1] == '\r')
		len--;
	while (len && s[0] == '[') {
		const char *close = memchr(s, ']', len);

		if (!close || close - s > 24)
			break;
		len -= (size_t)(close + 1 - s);
		s = close + 1;
	}
	while (len && s[0] == ' ') {
		s++;
		len--;
	}
	return (struct line){s, len};
}

static bool begins(struct line l, const char *w)
{
	size_t n = strlen(w);

	return l.len >= n && !memcmp(l.s, w, n);
}

static bool holds(struct line l, const char *w)
{
	return memmem(l.s, l.len, w, strlen(w)) != NULL;
}

static bool is_warning(struct line l)
{
	/* Said once at every boot, with the number of call sites. */
	if (begins(l, "ftrace: allocating ") || begins(l, "ftrace: allocated "))
		return false;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(starts); i++)
		if (begins(l, starts[i]))
			return true;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(anywhere); i++)
		if (holds(l, anywhere[i]))
			return true;
	return false;
}

static void copy(char *to, size_t size, const char *s, size_t len)
{
	if (len >= size)
		len = size - 1;
	for (size_t i = 0; i < len; i++)
		to[i] = (unsigned char)s[i] < ' ' || (unsigned char)s[i] > '~' ? '?' : s[i];
	to[len] = 0;
}

static struct sut_klog_warning *add(struct sut_klog *k, const char *phase, const char *from)
{
	struct sut_klog_warning *w;

	if (k->total++ >= SUT_KLOG_WARNINGS_MAX)
		return NULL;
	w = &k->v[k->n++];
	copy(w->phase, sizeof(w->phase), phase, strlen(phase));
	w->line[0] = 0;
	w->block = from;
	w->len = 0;
	return w;
}

void sut_klog_scan(const char *log, size_t len, struct sut_klog *ret)
{
	const char *p = log, *stop = log + len;
	char phase[SUT_KLOG_PHASE_MAX] = "";
	struct sut_klog_warning *w = NULL; /* the open report */
	bool block = false;		   /* between "cut here" and "end trace" */

	ret->n = ret->total = 0;
	while (p < stop) {
		const char *nl = memchr(p, '\n', (size_t)(stop - p));
		const char *next = nl ? nl + 1 : stop;
		struct line l = message(p, (size_t)((nl ? nl : stop) - p));

		if (begins(l, marker)) {
			bool begin = begins(l, "suture-try: begin ");
			size_t skip = strlen("suture-try: begin ");

			copy(phase, sizeof(phase), begin ? l.s + skip : "",
			     begin ? l.len - skip : 0);
			w = NULL;
			block = false;
		} else if (begins(l, "------------[ cut here ]")) {
			w = add(ret, phase, p);
			block = true;
		} else if (block && begins(l, "---[ end trace")) {
			if (w)
				w->len = (size_t)(next - w->block);
			w = NULL;
			block = false;
		} else if (block) {
			if (w && !w->line[0] && is_warning(l))
				copy(w->line, sizeof(w->line), l.s, l.len);
			if (w)
				w->len = (size_t)(next - w->block);
		} else if (is_warning(l)) {
			/* The lines of an oops outside of a "cut here" block follow each other. */
			bool more = w && (begins(l, "RIP: ") || begins(l, "Call Trace:") ||
					  begins(l, "Modules linked in:"));

			if (!more)
				w = add(ret, phase, p);
			if (w && !w->line[0])
				copy(w->line, sizeof(w->line), l.s, l.len);
			if (w)
				w->len = (size_t)(next - w->block);
		} else if (w && (begins(l, "Code: ") || begins(l, "CR2: ") || begins(l, "<TASK>") ||
				 begins(l, "</TASK>") || begins(l, "? ") || holds(l, "+0x"))) {
			w->len = (size_t)(next - w->block);
		}
		p = next;
	}
	for (size_t i = 0; i < ret->n; i++)
		if (!ret->v[i].line[0])
			copy(ret->v[i].line, sizeof(ret->v[i].line), "cut here (without a message)",
			     28);
}
