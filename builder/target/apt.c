// SPDX-License-Identifier: Apache-2.0
#include "target/apt.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/proc.h"
#include "target/store.h"

enum {
	OUTPUT_MAX = 16 << 20,
	QUERY_TIMEOUT = 120, /* seconds */
};

static const char *const c_locale[] = {"LC_ALL=C", NULL};

static int query(const char *const argv[], struct sut_buf *out, struct sut_err *err)
{
	int r = sut_run_ok(
		argv,
		&(struct sut_run_opts){.env = c_locale, .out = out, .timeout_sec = QUERY_TIMEOUT},
		err);

	if (r == -ENOENT)
		return sut_err_set(err, ENOENT,
				   "apt is not on this machine; fetch the packages elsewhere and "
				   "name their folder with --from DIR");
	return r;
}

/* Takes the next line off *text; NULL at the end. */
static char *next_line(char **text)
{
	char *line = *text, *nl;

	if (!line || !*line)
		return NULL;
	nl = strchr(line, '\n');
	if (nl)
		*nl = 0;
	*text = nl ? nl + 1 : line + strlen(line);
	return line;
}

int sut_apt_versions(const char *package, struct sut_strv *ret, struct sut_err *err)
{
	const char *const argv[] = {"apt-cache", "madison", package, NULL};
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(OUTPUT_MAX);
	char *text, *line;
	int r = query(argv, &out, err);

	if (r < 0)
		return r;
	/* "package | version | archive suite/component arch Packages" */
	for (text = (char *)out.data; (line = next_line(&text));) {
		char *v = strchr(line, '|'), *end = v ? strchr(v + 1, '|') : NULL;

		if (!end || !sut_endswith(line, " Packages"))
			continue;
		v += 1 + strspn(v + 1, " ");
		v[strcspn(v, " |")] = 0;
		if (!sut_strv_has(ret, v) && sut_strv_add(ret, v) < 0)
			return sut_err_oom(err);
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strverscmp(*(const char *const *)a, *(const char *const *)b);
}

int sut_apt_search(const char *regex, struct sut_strv *ret, struct sut_err *err)
{
	const char *const argv[] = {"apt-cache", "search", "--names-only", regex, NULL};
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(OUTPUT_MAX);
	char *text, *line;
	int r = query(argv, &out, err);

	if (r < 0)
		return r;
	for (text = (char *)out.data; (line = next_line(&text));) {
		line[strcspn(line, " ")] = 0;
		if (sut_strv_add(ret, line) < 0)
			return sut_err_oom(err);
	}
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare);
	return 0;
}

int sut_apt_depends(const char *package, const char *prefix, char **ret, struct sut_err *err)
{
	const char *const argv[] = {"apt-cache", "depends", "--important", package, NULL};
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(OUTPUT_MAX);
	char *text, *line;
	int r = query(argv, &out, NULL);

	if (r < 0 && r != -ECHILD)
		return query(argv, &out, err);
	for (text = r < 0 ? NULL : (char *)out.data; (line = next_line(&text));) {
		line += strspn(line, " |");
		if (!sut_startswith(line, "Depends: ") ||
		    !sut_startswith(line + strlen("Depends: "), prefix))
			continue;
		*ret = strdup(line + strlen("Depends: "));
		return *ret ? 0 : sut_err_oom(err);
	}
	return sut_err_set(err, ENOENT,
			   "the archive has no package %s that leads to a kernel; is the flavour "
			   "right, and was 'apt-get update' run?",
			   package);
}

/*
 * As root, apt downloads as the user _apt. Gives it the folder when it can
 * reach it; *ret_sandbox is false when a parent folder is closed to it.
 */
static int make_folder(const char *dir, bool *ret_sandbox, struct sut_err *err)
{
	const struct passwd *pw;
	_cleanup_(sut_freep) char *p = strdup(dir);

	if (!p)
		return sut_err_oom(err);
	if (mkdir(dir, 0700) < 0)
		return sut_err_errno(err, "cannot create %s", dir);
	*ret_sandbox = false;
	pw = geteuid() == 0 ? getpwnam("_apt") : NULL;
	if (!pw)
		return 0;
	for (char *s = strrchr(p, '/'); s && s > p; s = strrchr(p, '/')) {
		struct stat st;

		*s = 0;
		if (stat(p, &st) < 0 || !(st.st_mode & S_IXOTH))
			return 0;
	}
	if (chown(dir, pw->pw_uid, (gid_t)-1) < 0)
		return sut_err_errno(err, "cannot give %s to the user _apt", dir);
	*ret_sandbox = true;
	return 0;
}

static int download_argv(struct sut_strv *argv, bool sandbox, bool print,
			 const struct sut_strv *specs, struct sut_err *err)
{
	int r = sut_strv_add(argv, "apt-get");

	if (r == 0)
		r = sut_strv_add(argv, "-q");
	if (r == 0)
		r = sut_strv_add(argv, "-oAPT::Get::AllowUnauthenticated=false");
	if (r == 0 && !sandbox)
		r = sut_strv_add(argv, "-oAPT::Sandbox::User=");
	if (r == 0 && print)
		r = sut_strv_add(argv, "--print-uris");
	if (r == 0)
		r = sut_strv_add(argv, "download");
	for (size_t i = 0; i < specs->n && r == 0; i++)
		r = sut_strv_add(argv, specs->v[i]);
	return r < 0 ? sut_err_oom(err) : 0;
}

/* Sum of the sizes in "'URI' name size hash" lines. */
static uint64_t sum_sizes(char *text)
{
	uint64_t sum = 0;
	char *line;

	while ((line = next_line(&text))) {
		char *name = strstr(line, "' "), *size = name ? strchr(name + 2, ' ') : NULL;
		uint64_t v;

		if (!size)
			continue;
		size++;
		size[strcspn(size, " ")] = 0;
		if (sut_parse_u64(size, 1ULL << 40, &v) == 0)
			sum += v;
	}
	return sum;
}

int sut_apt_download(const char *dir, const struct sut_strv *specs, uint64_t extra,
		     const struct sut_progress *progress, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf uris = SUT_BUF_INIT(OUTPUT_MAX);
	_cleanup_strv_ struct sut_strv print = {0}, get = {0};
	struct sut_run_opts o = {.cwd = dir, .env = c_locale};
	uint64_t size;
	bool sandbox;
	int r = make_folder(dir, &sandbox, err);

	if (r == 0)
		r = download_argv(&print, sandbox, true, specs, err);
	if (r == 0)
		r = download_argv(&get, sandbox, false, specs, err);
	if (r < 0)
		return r;
	o.out = &uris;
	r = sut_run_ok((const char *const *)print.v, &o, err);
	if (r < 0)
		return sut_err_prefix(err,
				      "apt cannot fetch the packages (apt-get update may help)");
	size = sum_sizes((char *)uris.data);
	r = sut_store_space(dir, size + extra, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < specs->n; i++)
		sut_progress_say(progress, "downloading %s", specs->v[i]);
	sut_progress_say(progress, "%llu MB altogether, verified by apt",
			 (unsigned long long)((size + 999999) / 1000000));
	o.out = NULL;
	r = sut_run_ok((const char *const *)get.v, &o, err);
	return r < 0 ? sut_err_prefix(err, "apt could not fetch the packages") : 0;
}
