// SPDX-License-Identifier: Apache-2.0
/*
 * Compares a real profile with what the same image says in other words:
 * the export table (__ksymtab) has the addresses of 9,000 symbols, and each
 * fentry site is a call of __fentry__.
 *
 * usage: profile-check CACHE TARGET
 */
#include <stdio.h>
#include <string.h>

#include "target/profile.h"

static int failures;

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	printf("wrong: %s\n", what);
	failures++;
}

/* struct kernel_symbol: three offsets, each relative to its own place. */
struct ksymtab_entry {
	int32_t value, name, ns;
};

static const char *string_at(const struct sut_profile *p, uint64_t addr)
{
	const uint8_t *s = sut_profile_bytes(p, addr, 1);

	return s ? (const char *)s : "";
}

/* Is there a symbol of that name at that address? */
static bool is_at(const struct sut_profile *p, const char *name, uint64_t addr)
{
	const uint32_t *idx;
	size_t n = sut_profile_lookup(p, name, &idx);

	for (size_t i = 0; i < n; i++)
		if (p->syms[idx[i]].addr == addr)
			return true;
	return false;
}

static size_t check_exports(const struct sut_profile *p, const char *section, bool gpl)
{
	const struct ksymtab_entry *e;
	uint64_t addr, size;
	const uint8_t *data;
	size_t n;

	if (!sut_profile_section(p, section, &addr, &size, &data) || !data)
		return 0;
	e = (const struct ksymtab_entry *)(const void *)data;
	n = size / sizeof(*e);
	for (size_t i = 0; i < n; i++) {
		uint64_t at = addr + i * sizeof(*e);
		uint64_t value = at + (uint64_t)(int64_t)e[i].value;
		const char *name = string_at(p, at + 4 + (uint64_t)(int64_t)e[i].name);
		const struct sut_export *x = sut_profile_export(p, name);

		/* Per-CPU variables are absolute, and relative to a place that moves. */
		if (value >> 63 && !is_at(p, name, value))
			check(false, name);
		if (!x || strcmp(x->module, "vmlinux") != 0 || x->gpl != gpl)
			check(false, name);
	}
	return n;
}

static void check_fentry(const struct sut_profile *p)
{
	const uint32_t *idx;
	uint64_t fentry;

	if (sut_profile_lookup(p, "__fentry__", &idx) != 1) {
		check(false, "__fentry__ is not there once");
		return;
	}
	fentry = p->syms[*idx].addr;
	check(p->nfentry > 10000, "fewer than 10,000 fentry sites");
	for (size_t i = 0; i < p->nfentry; i++) {
		const uint8_t *b = sut_profile_bytes(p, p->fentry[i], 5);
		int32_t rel;

		if (!b || b[0] != 0xe8) {
			check(false, "an fentry site is no call");
			return;
		}
		memcpy(&rel, b + 1, sizeof(rel));
		if (p->fentry[i] + 5 + (uint64_t)(int64_t)rel != fentry) {
			check(false, "an fentry site calls something else");
			return;
		}
	}
}

static void check_symbols(const struct sut_profile *p)
{
	static const char *const names[] = {"_printk", "__x64_sys_read", "unix_ioctl", "_text"};
	const uint32_t *idx;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		check(sut_profile_lookup(p, names[i], &idx) == 1, names[i]);
	check(sut_profile_lookup(p, "current_task", &idx) == 1 && p->syms[*idx].type == 'A' &&
		      p->syms[*idx].addr < 1 << 24,
	      "current_task is no per-CPU offset");
	check(p->nsyms > 80000, "fewer than 80,000 symbols");
	for (size_t i = 1; i < p->nsyms; i++)
		if (p->syms[i - 1].addr > p->syms[i].addr) {
			check(false, "symbols are not in order");
			return;
		}
}

int main(int argc, char **argv)
{
	_cleanup_(sut_profile_freep) struct sut_profile *p = NULL;
	struct sut_err err = {0};
	size_t n;

	if (argc != 3 || sut_profile_open(argv[1], argv[2], &p, &err) < 0) {
		printf("profile-check: %s\n", err.msg);
		return 1;
	}
	check_symbols(p);
	check_fentry(p);
	n = check_exports(p, "__ksymtab", false) + check_exports(p, "__ksymtab_gpl", true);
	check(n > 9000, "fewer than 9,000 exports");
	check(strstr(p->vermagic, p->release) == p->vermagic, "vermagic is of another release");
	printf("%zu symbols, %zu fentry sites, %zu exports compared, %d wrong\n", p->nsyms,
	       p->nfentry, n, failures);
	return failures ? 1 : 0;
}
