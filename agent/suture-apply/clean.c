// SPDX-License-Identifier: Apache-2.0
#include "clean.h"

#include <errno.h>
#include <libgen.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "boot.h"
#include "common/paths.h"

enum { ID_LEN = 36 };

/* The next line of *text that is an id, or NULL; *text moves behind it. */
static const char *next(const char **text)
{
	while (**text) {
		const char *line = *text;
		size_t n = strcspn(line, "\n");

		*text = line + n + (line[n] == '\n');
		if (n == ID_LEN && strspn(line, "0123456789abcdef-") >= n)
			return line;
	}
	return NULL;
}

static bool is_it(const char *line, const char *boot_id)
{
	return strlen(boot_id) == ID_LEN && memcmp(line, boot_id, ID_LEN) == 0;
}

static void read_file(const char *root, struct sut_buf *b)
{
	struct agent_path path = agent_path(root, AGENT_CLEAN);

	(void)!sut_file_read(path.s, b, NULL);
}

static size_t count(const char *text, const char *boot_id)
{
	const char *line;
	size_t n = 0;

	while ((line = next(&text)))
		n += !boot_id || is_it(line, boot_id);
	return n;
}

bool clean_has(const char *root, const char *boot_id)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(CLEAN_FILE_MAX);

	read_file(root, &b);
	return count(sut_buf_str(&b), boot_id) > 0;
}

/* The ids that are there without this one, and with it at the end when `with`. */
static int rewrite(const char *root, const char *boot_id, bool with, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(CLEAN_FILE_MAX);
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(CLEAN_FILE_MAX);
	struct agent_path path = agent_path(root, AGENT_CLEAN), folder = path;
	const char *text, *line;
	size_t n;
	int r = 0;

	read_file(root, &b);
	text = sut_buf_str(&b);
	n = count(text, NULL) - count(text, boot_id);
	while (r == 0 && (line = next(&text))) {
		if (is_it(line, boot_id))
			continue;
		if (n-- < CLEAN_BOOTS_MAX)
			r = sut_buf_addf(&out, "%.*s\n", ID_LEN, line);
	}
	if (r == 0 && with)
		r = sut_buf_addf(&out, "%s\n", boot_id);
	if (r < 0)
		return sut_err_oom(err);
	r = sut_mkdir_p(dirname(folder.s), err);
	return r < 0 ? r : sut_file_write(path.s, sut_buf_str(&out), out.len, 0644, err);
}

int clean_add(const char *root, const char *boot_id, struct sut_err *err)
{
	return rewrite(root, boot_id, true, err);
}

int clean_remove(const char *root, const char *boot_id, struct sut_err *err)
{
	return rewrite(root, boot_id, false, err);
}

int apply_shutdown(struct apply *a, struct sut_err *err)
{
	struct machine_kernel k;
	int r = a->machine.kernel(a->machine.ctx, &k, err);

	return r < 0 ? r : clean_add(a->root, k.boot_id, err);
}
