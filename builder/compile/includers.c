// SPDX-License-Identifier: Apache-2.0
#include "compile/includers.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

enum { TEXT_MAX = 32 << 20 };

/* Is the path, as written in a file of that folder, the file `full`? One that is not found from
 * there comes from a folder of headers: then the name decides. */
static bool is_file(const char *dir, const char *path, size_t len, const char *full)
{
	_cleanup_(sut_freep) char *at = sut_sprintf("%s/%.*s", dir, (int)len, path);
	struct stat a, b;

	if (!at || stat(full, &b) < 0 || stat(at, &a) < 0)
		return true;
	return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Is there a line `#include "…base"` in the text that means the file `full`? */
static bool includes(const char *text, const char *dir, const char *base, const char *full)
{
	size_t len = strlen(base);

	for (const char *p = strstr(text, base); p; p = strstr(p + 1, base)) {
		const char *line = p, *quote, *hash;

		if (p[len] != '"')
			continue;
		while (line > text && line[-1] != '\n')
			line--;
		quote = memchr(line, '"', (size_t)(p - line));
		hash = line + strspn(line, " \t");
		if (!quote || (p != quote + 1 && p[-1] != '/') || *hash != '#')
			continue;
		hash += 1 + strspn(hash + 1, " \t");
		if (!strncmp(hash, "include", 7) &&
		    is_file(dir, quote + 1, (size_t)(p + len - quote - 1), full))
			return true;
	}
	return false;
}

int sut_compile_includers(const char *src_dir, const struct sut_strv *sources, const char *source,
			  struct sut_strv *ret, struct sut_err *err)
{
	_cleanup_(sut_freep) char *full = sut_sprintf("%s/%s", src_dir, source);
	const char *slash = strrchr(source, '/');

	if (!full)
		return sut_err_oom(err);
	for (size_t i = 0; i < sources->n; i++) {
		_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", src_dir, sources->v[i]);
		_cleanup_(sut_freep) char *dir = path ? strdup(path) : NULL;
		_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(TEXT_MAX);
		int r;

		if (!dir)
			return sut_err_oom(err);
		*strrchr(dir, '/') = 0;
		r = sut_file_read(path, &text, err);
		if (r < 0)
			return r;
		if (includes(sut_buf_str(&text), dir, slash ? slash + 1 : source, full) &&
		    sut_strv_add(ret, sources->v[i]) < 0)
			return sut_err_oom(err);
	}
	return 0;
}
