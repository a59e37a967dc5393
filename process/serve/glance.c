// SPDX-License-Identifier: Apache-2.0
#include "serve/glance.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>

#include "base/file.h"
#include "base/str.h"

enum { BATCH = 64 };

static bool hex(const char **s, const char *end, char stop, uint64_t *ret)
{
	const char *p = *s;
	uint64_t v = 0;

	for (; p < end && *p != stop; p++) {
		unsigned int d = (unsigned int)*p - '0';

		if (d > 9)
			d = (unsigned int)*p - 'a' + 10;
		if (d > 15 || v >> 60)
			return false;
		v = v << 4 | d;
	}
	if (p == end || p == *s)
		return false;
	*s = p + 1;
	*ret = v;
	return true;
}

/* The file that this is a further mapping of. Most are the last one. */
static struct glance_file *same(struct glance *g, uint64_t dev, uint64_t ino)
{
	for (size_t i = g->nfiles; i-- > 0;)
		if (g->files[i].dev == dev && g->files[i].ino == ino)
			return &g->files[i];
	return NULL;
}

static int add(struct glance *g, const struct glance_file *f)
{
	struct glance_file *more;
	size_t room = g->room ? g->room * 2 : 32;

	if (g->nfiles == GLANCE_FILES_MAX) {
		g->unsure = true;
		return 0;
	}
	if (g->nfiles == g->room) {
		more = reallocarray(g->files, room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		g->files = more;
		g->room = room;
	}
	g->files[g->nfiles++] = *f;
	return 0;
}

static int line(struct glance *g, const char *s, const char *end)
{
	static const char gone[] = " (deleted)";
	struct glance_file f = {0}, *first;
	uint64_t offset, major, minor;
	bool code, private;

	if (!hex(&s, end, '-', &f.start) || !hex(&s, end, ' ', &f.end) || end - s < 5)
		goto odd;
	code = s[2] == 'x';
	private = s[3] == 'p';
	/* Ours are r-x; whoever makes code at run time has them writable mostly. */
	if (code && private && s[0] == 'r' && s[1] == '-')
		f.exec = true;
	s += 5;
	if (!hex(&s, end, ' ', &offset) || !hex(&s, end, ':', &major) || !hex(&s, end, ' ', &minor))
		goto odd;
	for (f.ino = 0; s < end && *s >= '0' && *s <= '9'; s++)
		f.ino = f.ino * 10 + (uint64_t)(*s - '0');
	while (s < end && *s == ' ')
		s++;
	f.dev = major << 32 | minor;
	if (!f.ino) {
		/* "[vdso]" has a name. One that the process itself gave ("[anon:…]") hides nothing. */
		if (f.exec && (s == end || !strncmp(s, "[anon", 5)))
			g->image = true;
		return 0;
	}
	first = same(g, f.dev, f.ino);
	if (offset == 0 && (!first || !code || !first->exec)) {
		f.path = (size_t)(s - (const char *)g->text.data);
		f.path_len = (size_t)(end - s);
		f.exec = code;
		if (f.path_len > sizeof(gone) - 1 &&
		    !memcmp(end - (sizeof(gone) - 1), gone, sizeof(gone) - 1)) {
			f.deleted = true;
			f.path_len -= sizeof(gone) - 1;
		}
		return add(g, &f);
	}
	if (code && first)
		first->exec = true;
	return 0;
odd:
	g->unsure = true;
	return 0;
}

int glance_parse(struct glance *g)
{
	const char *s = sut_buf_str(&g->text), *end = s + g->text.len;
	size_t n = 0;
	int r = 0;

	g->nfiles = 0;
	g->image = g->unsure = false;
	while (r == 0 && s < end) {
		const char *stop = memchr(s, '\n', (size_t)(end - s));

		if (!stop)
			stop = end;
		r = line(g, s, stop);
		s = stop + 1;
	}
	/* What is only read is no concern of ours. */
	for (size_t i = 0; i < g->nfiles; i++)
		if (g->files[i].exec)
			g->files[n++] = g->files[i];
	g->nfiles = n;
	return r;
}

int glance_build_id(const uint8_t *head, size_t len, uint8_t ret[static SUT_LIBRARY_BUILD_ID_LEN])
{
	Elf64_Ehdr h;
	bool beyond = false;

	if (len < sizeof(h))
		return 0;
	memcpy(&h, head, sizeof(h));
	if (memcmp(h.e_ident, ELFMAG, SELFMAG) != 0 || h.e_ident[EI_CLASS] != ELFCLASS64 ||
	    h.e_ident[EI_DATA] != ELFDATA2LSB || h.e_phentsize != sizeof(Elf64_Phdr))
		return 0;
	for (size_t i = 0; i < h.e_phnum; i++) {
		uint64_t at = h.e_phoff + i * sizeof(Elf64_Phdr), end;
		Elf64_Phdr p;

		if (h.e_phoff > len || at > len - sizeof(p) || len < sizeof(p))
			return -EAGAIN;
		memcpy(&p, head + at, sizeof(p));
		if (p.p_type != PT_NOTE)
			continue;
		at = p.p_offset;
		end = at + p.p_filesz;
		if (end < at)
			continue;
		if (end > len) {
			beyond = true;
			end = len;
		}
		while (at <= end && end - at >= sizeof(Elf64_Nhdr)) {
			Elf64_Nhdr n;
			uint64_t name, desc;

			memcpy(&n, head + at, sizeof(n));
			at += sizeof(n);
			name = ((uint64_t)n.n_namesz + 3) & ~3ULL;
			desc = ((uint64_t)n.n_descsz + 3) & ~3ULL;
			if (p.p_align == 8)
				desc = ((name + n.n_descsz + 7) & ~7ULL) - name;
			if (name > end - at || desc > end - at - name)
				break;
			if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == 4 &&
			    !memcmp(head + at, "GNU", 4)) {
				if (n.n_descsz != SUT_LIBRARY_BUILD_ID_LEN)
					return 0;
				memcpy(ret, head + at + name, SUT_LIBRARY_BUILD_ID_LEN);
				return 1;
			}
			at += name + desc;
		}
	}
	return beyond ? -EAGAIN : 0;
}

/* A leader that has ended shows no mappings, though its threads go on; a thread of the kernel never has any. */
static int nothing_mapped(struct glance *g, pid_t pid)
{
	char path[32];
	const char *s;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	g->text.len = 0;
	r = sut_file_read(path, &g->text, NULL);
	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	s = strrchr(sut_buf_str(&g->text), ')');
	g->unsure = s && sut_startswith(s, ") Z");
	g->text.len = 0;
	return 0;
}

/* One call for many files; who cannot be read stops it, and the rest is asked for again. */
static void read_heads(struct glance *g, pid_t pid, size_t from, size_t n, bool *ok)
{
	struct iovec local[BATCH], remote[BATCH];

	for (size_t i = 0; i < n; i++) {
		const struct glance_file *f = &g->files[from + i];
		size_t len = f->end - f->start < GLANCE_HEAD ? f->end - f->start : GLANCE_HEAD;

		ok[i] = false;
		local[i] = (struct iovec){g->heads + i * GLANCE_HEAD, len};
		remote[i] = (struct iovec){(void *)(uintptr_t)f->start, len};
	}
	for (size_t i = 0; i < n; i++) {
		ssize_t got = process_vm_readv(pid, local + i, n - i, remote + i, n - i, 0);

		for (; got > 0 && i < n && (size_t)got >= local[i].iov_len; i++) {
			got -= (ssize_t)local[i].iov_len;
			ok[i] = true;
		}
	}
}

int glance_process(struct glance *g, pid_t pid)
{
	char path[32];
	int r;

	if (!g->text.max)
		g->text.max = GLANCE_TEXT_MAX;
	if (!g->heads)
		g->heads = malloc(BATCH * GLANCE_HEAD);
	if (!g->heads)
		return -ENOMEM;
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	g->text.len = g->nfiles = 0;
	g->image = g->unsure = false;
	r = sut_file_read(path, &g->text, NULL);
	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	if (!g->text.len)
		return nothing_mapped(g, pid);
	r = glance_parse(g);
	for (size_t from = 0; r == 0 && from < g->nfiles; from += BATCH) {
		size_t n = g->nfiles - from < BATCH ? g->nfiles - from : BATCH;
		bool ok[BATCH];

		read_heads(g, pid, from, n, ok);
		for (size_t i = 0; i < n; i++) {
			struct glance_file *f = &g->files[from + i];
			int found = ok[i] ? glance_build_id(g->heads + i * GLANCE_HEAD, GLANCE_HEAD,
							    f->build_id)
					  : -EAGAIN;

			f->known = found == 1;
			if (found == -EAGAIN)
				g->unsure = true;
		}
	}
	return r;
}

const char *glance_path(const struct glance *g, const struct glance_file *f)
{
	return (const char *)g->text.data + f->path;
}

void glance_release(struct glance *g)
{
	sut_buf_release(&g->text);
	free(g->files);
	free(g->heads);
	memset(g, 0, sizeof(*g));
}
