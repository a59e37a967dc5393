// SPDX-License-Identifier: Apache-2.0
#include "try/closure.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <string.h>

#include "base/file.h"

/* What one ELF file says about its libraries; strings are copies. */
struct needs {
	char *interp;
	struct sut_strv libs;
	struct sut_strv dirs; /* run path, $ORIGIN replaced */
};

static void needs_release(struct needs *n)
{
	free(n->interp);
	sut_strv_release(&n->libs);
	sut_strv_release(&n->dirs);
}

static void elf_endp(Elf **e)
{
	elf_end(*e);
}

static int add_runpath(const char *path, const char *runpath, struct needs *n)
{
	_cleanup_(sut_freep) char *copy = strdup(runpath);
	const char *slash = strrchr(path, '/');
	char *save = NULL;
	int r = 0;

	if (!copy)
		return -ENOMEM;
	for (char *d = strtok_r(copy, ":", &save); d && r == 0; d = strtok_r(NULL, ":", &save)) {
		if (sut_startswith(d, "$ORIGIN"))
			r = sut_strv_addf(&n->dirs, "%.*s%s", slash ? (int)(slash - path) : 1,
					  slash ? path : ".", d + strlen("$ORIGIN"));
		else if (d[0] == '/')
			r = sut_strv_add(&n->dirs, d);
	}
	return r;
}

static int read_dynamic(Elf *elf, Elf_Scn *scn, const GElf_Shdr *sh, const char *path,
			struct needs *n)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	GElf_Dyn dyn;
	int r = 0;

	for (int i = 0; data && gelf_getdyn(data, i, &dyn) && r == 0; i++) {
		const char *s;

		if (dyn.d_tag != DT_NEEDED && dyn.d_tag != DT_RUNPATH && dyn.d_tag != DT_RPATH)
			continue;
		s = elf_strptr(elf, sh->sh_link, dyn.d_un.d_val);
		if (!s)
			return -ENOEXEC;
		r = dyn.d_tag == DT_NEEDED ? sut_strv_add(&n->libs, s) : add_runpath(path, s, n);
	}
	return r;
}

static int read_interp(Elf *elf, struct needs *n)
{
	size_t nph = 0, size = 0;
	const char *raw = elf_rawfile(elf, &size);
	GElf_Phdr ph;

	if (!raw || elf_getphdrnum(elf, &nph) < 0)
		return -ENOEXEC;
	for (size_t i = 0; i < nph && gelf_getphdr(elf, (int)i, &ph); i++) {
		if (ph.p_type != PT_INTERP || n->interp)
			continue;
		if (ph.p_offset >= size || ph.p_filesz > size - ph.p_offset)
			return -ENOEXEC;
		n->interp = strndup(raw + ph.p_offset, ph.p_filesz);
		if (!n->interp)
			return -ENOMEM;
	}
	return 0;
}

static int read_needs(const char *path, struct needs *n, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_(elf_endp) Elf *elf = NULL;
	Elf_Scn *scn = NULL;
	GElf_Ehdr eh;
	GElf_Shdr sh;
	int r;

	if (fd < 0)
		return sut_err_errno(err, "cannot open %s", path);
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &eh) ||
	    (eh.e_type != ET_EXEC && eh.e_type != ET_DYN))
		return 0; /* a script, data, a kernel module */
	r = read_interp(elf, n);
	while (r == 0 && (scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, &sh) && sh.sh_type == SHT_DYNAMIC)
			r = read_dynamic(elf, scn, &sh, path, n);
	if (r == -ENOMEM)
		return sut_err_oom(err);
	if (r < 0)
		return sut_err_set(err, ENOEXEC, "%s is a damaged ELF file", path);
	return 0;
}

static char *find_library(const char *name, const struct sut_strv *dirs)
{
	static const char *const standard[] = {
		"/lib/x86_64-linux-gnu",
		"/usr/lib/x86_64-linux-gnu",
		"/lib64",
		"/usr/lib64",
		"/lib",
		"/usr/lib",
		"/usr/local/lib",
	};

	if (strchr(name, '/'))
		return strdup(name);
	for (size_t i = 0; i < dirs->n + SUT_ARRAY_SIZE(standard); i++) {
		const char *dir = i < dirs->n ? dirs->v[i] : standard[i - dirs->n];
		char *p = sut_sprintf("%s/%s", dir, name);

		if (!p || sut_exists(p))
			return p;
		free(p);
	}
	errno = ENOENT;
	return NULL;
}

static int add_once(struct sut_strv *files, const char *path, struct sut_err *err)
{
	if (sut_strv_has(files, path))
		return 0;
	if (files->n >= SUT_CLOSURE_MAX)
		return sut_err_set(err, E2BIG, "%s: more than %d libraries", path, SUT_CLOSURE_MAX);
	return sut_strv_add(files, path) < 0 ? sut_err_oom(err) : 0;
}

static int add_needs_of(const char *path, struct sut_strv *files, struct sut_err *err)
{
	_cleanup_(needs_release) struct needs n = {0};
	int r = read_needs(path, &n, err);

	if (r == 0 && n.interp)
		r = add_once(files, n.interp, err);
	for (size_t i = 0; i < n.libs.n && r == 0; i++) {
		_cleanup_(sut_freep) char *lib = find_library(n.libs.v[i], &n.dirs);

		if (!lib)
			return sut_err_set(err, ENOENT,
					   "%s needs the library %s, which is not on this machine; "
					   "link the program statically or install it",
					   path, n.libs.v[i]);
		r = add_once(files, lib, err);
	}
	return r;
}

int sut_closure_add(const char *path, struct sut_strv *files, struct sut_err *err)
{
	size_t next = files->n;
	int r = add_needs_of(path, files, err);

	/* The list grows while it is walked: the libraries of libraries. */
	for (; r == 0 && next < files->n; next++) {
		_cleanup_(sut_freep) char *p = strdup(files->v[next]);

		r = p ? add_needs_of(p, files, err) : sut_err_oom(err);
	}
	return r;
}
