// SPDX-License-Identifier: Apache-2.0
#include "fix/srcpkg.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"
#include "target/source.h"
#include "target/store.h"

/* apt with lists of its own below the cache. */
struct apt {
	char *dir; /* <cache>/apt-src */
	char *list, *lists, *archives;
};

static void apt_release(struct apt *a)
{
	free(a->dir);
	free(a->list);
	free(a->lists);
	free(a->archives);
}

/* A command line "PROGRAM options words…", to which the caller adds. */
static int apt_argv(const struct apt *a, const char *program, struct sut_strv *argv)
{
	int r = sut_strv_add(argv, program);

	if (r == 0)
		r = sut_strv_add(argv, "-q");
	if (r == 0)
		r = sut_strv_addf(argv, "-oDir::Etc::SourceList=%s", a->list);
	if (r == 0)
		r = sut_strv_add(argv, "-oDir::Etc::SourceParts=/dev/null");
	if (r == 0)
		r = sut_strv_addf(argv, "-oDir::State::Lists=%s", a->lists);
	if (r == 0)
		r = sut_strv_addf(argv, "-oDir::Cache=%s", a->archives);
	/* It is only ours: no other user has to get to it. */
	return r < 0 ? r : sut_strv_add(argv, "-oAPT::Sandbox::User=root");
}

static int apt_run(const struct apt *a, const char *program, const char *const *words,
		   const char *cwd, struct sut_buf *out, struct sut_err *err)
{
	_cleanup_strv_ struct sut_strv argv = {0};
	const struct sut_run_opts opts = {.cwd = cwd, .out = out};
	int r = apt_argv(a, program, &argv);

	for (; r == 0 && *words; words++)
		r = sut_strv_add(&argv, *words);
	return r < 0 ? sut_err_oom(err) : sut_run_ok((const char *const *)argv.v, &opts, err);
}

/* deb-src lines for every archive that this machine takes packages from. */
static int write_list(const struct apt *a, struct sut_err *err)
{
	static const char *const argv[] = {"apt-get",
					   "indextargets",
					   "Created-By: Packages",
					   "--format",
					   "$(REPO_URI) $(RELEASE) $(COMPONENT)",
					   NULL};
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(1 << 20), text = SUT_BUF_INIT(1 << 20);
	int r = sut_run_ok(argv, &(struct sut_run_opts){.out = &out}, err);

	for (const char *p = r == 0 ? sut_buf_str(&out) : ""; r == 0 && *p; p += *p == '\n') {
		size_t n = strcspn(p, "\n");

		if (n > 0 && sut_buf_addf(&text, "deb-src %.*s\n", (int)n, p) < 0)
			r = sut_err_oom(err);
		p += n;
	}
	return r < 0 ? r : sut_file_write(a->list, text.data, text.len, 0644, err);
}

static int apt_open(const char *cache, struct apt *a, const struct sut_progress *progress,
		    struct sut_err *err)
{
	static const char *const update[] = {"update", NULL};
	_cleanup_(sut_freep) char *partial = sut_sprintf("%s/apt-src/lists/partial", cache);
	_cleanup_(sut_freep) char *downloads =
		sut_sprintf("%s/apt-src/cache/archives/partial", cache);
	int r;

	a->dir = sut_sprintf("%s/apt-src", cache);
	a->list = sut_sprintf("%s/apt-src/sources.list", cache);
	a->lists = sut_sprintf("%s/apt-src/lists", cache);
	a->archives = sut_sprintf("%s/apt-src/cache", cache);
	if (!a->dir || !a->list || !a->lists || !a->archives || !partial || !downloads)
		return sut_err_oom(err);
	r = sut_mkdir_p(partial, err);
	if (r == 0)
		r = sut_mkdir_p(downloads, err);
	if (r == 0)
		r = write_list(a, err);
	if (r < 0)
		return r;
	sut_progress_say(progress, "asking the archive for its source packages");
	return apt_run(a, "apt-get", update, NULL, NULL, err);
}

/* "3.0.17-1~deb12u2, 3.0.20-1~deb12u2" */
static void add_versions(const struct apt *a, const char *name, struct sut_buf *ret)
{
	const char *const words[] = {"showsrc", "--only-source", name, NULL};
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(8 << 20);
	static const char key[] = "\nVersion: ";

	if (apt_run(a, "apt-cache", words, NULL, &out, NULL) < 0)
		return;
	for (const char *p = sut_buf_str(&out); (p = strstr(p, key));) {
		p += sizeof(key) - 1;
		if (sut_buf_addf(ret, "%s%.*s", ret->len ? ", " : "", (int)strcspn(p, "\n"), p) < 0)
			return;
	}
}

static int fetch(const struct apt *a, const char *name, const char *version, const char *to,
		 struct sut_err *err)
{
	_cleanup_(sut_freep) char *spec = sut_sprintf("%s=%s", name, version);
	const char *const words[] = {"source", "--only-source", "--download-only", spec, NULL};
	_cleanup_buf_ struct sut_buf there = SUT_BUF_INIT(4096);

	if (!spec)
		return sut_err_oom(err);
	if (apt_run(a, "apt-get", words, to, NULL, err) == 0)
		return 0;
	add_versions(a, name, &there);
	if (!there.len)
		return sut_err_set(err, ENOENT, "the archive has no source package %s", name);
	return sut_err_set(err, ENOENT, "the archive does not give %s %s; it lists %s", name,
			   version, sut_buf_str(&there));
}

/* The file name has no epoch. */
static char *dsc_path(const char *folder, const char *name, const char *version)
{
	const char *colon = strchr(version, ':');

	return sut_sprintf("%s/%s_%s.dsc", folder, name, colon ? colon + 1 : version);
}

static int unpack(const char *cache, const char *name, const char *version, const char *dir,
		  const struct apt *a, struct sut_err *err)
{
	_cleanup_(sut_freep) char *tmp = sut_sprintf("%s/sources/.new", cache);
	_cleanup_(sut_freep) char *tree = sut_sprintf("%s/sources/.new/tree", cache);
	_cleanup_(sut_freep) char *dsc = tmp ? dsc_path(tmp, name, version) : NULL;
	/* apt has verified it already. */
	const char *const argv[] = {"dpkg-source", "--no-check", "-q", "-x", dsc, tree, NULL};
	int r;

	if (!tmp || !tree || !dsc)
		return sut_err_oom(err);
	r = sut_rm_rf(tmp, err); /* what a crash may have left */
	if (r == 0)
		r = sut_mkdir_p(tmp, err);
	if (r == 0)
		r = fetch(a, name, version, tmp, err);
	if (r == 0)
		r = sut_run_ok(argv, NULL, err);
	if (r == 0 && rename(tree, dir) < 0)
		r = sut_err_errno(err, "cannot rename %s to %s", tree, dir);
	if (r < 0) {
		(void)!sut_rm_rf(tmp, NULL);
		return r;
	}
	return sut_rm_rf(tmp, err);
}

bool sut_srcpkg_name_ok(const char *name)
{
	size_t n = strlen(name);

	return n >= 2 && n <= 100 && isalnum((unsigned char)name[0]) &&
	       name[strspn(name, "0123456789abcdefghijklmnopqrstuvwxyz+-.")] == 0;
}

int sut_srcpkg_add(const char *cache, const char *name, const char *version,
		   const struct sut_progress *progress, char **ret, struct sut_err *err)
{
	_cleanup_(sut_freep) char *dir = sut_sprintf("%s/sources/%s-%s", cache, name, version);
	_cleanup_(apt_release) struct apt a = {0};
	int r = 0;

	if (!dir)
		return sut_err_oom(err);
	if (!sut_exists(dir)) {
		r = sut_store_space(cache, SUT_SOURCE_SPACE, err);
		if (r == 0)
			r = apt_open(cache, &a, progress, err);
		if (r == 0) {
			sut_progress_say(progress, "fetching the source of %s %s", name, version);
			r = unpack(cache, name, version, dir, &a, err);
		}
	}
	if (r == 0)
		*ret = sut_steal(dir);
	return r;
}
