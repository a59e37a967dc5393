// SPDX-License-Identifier: Apache-2.0
#include "policy.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"

/* What a machine allows whose owner has said nothing. */
static const struct sut_policy defaults = {.insecure_local = true};

struct line {
	unsigned int number;
	const char *key, *value;
	size_t key_len, value_len;
};

static bool is(const char *text, size_t len, const char *word)
{
	return strlen(word) == len && memcmp(text, word, len) == 0;
}

static void trim(const char **text, size_t *len)
{
	while (*len && (**text == ' ' || **text == '\t')) {
		++*text;
		--*len;
	}
	while (*len && ((*text)[*len - 1] == ' ' || (*text)[*len - 1] == '\t'))
		--*len;
}

static int bad(const struct line *l, struct sut_err *err, const char *what)
{
	return sut_err_reason(err, EBADMSG, "policy", "line %u %s", l->number, what);
}

/* Only what can be shown safely in a message goes further than this. */
static int check_bytes(const struct line *l, const char *text, size_t len, struct sut_err *err)
{
	if (len > SUT_POLICY_LINE_MAX)
		return bad(l, err, "is too long. Shorten it to 1024 bytes");
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\r')
			return bad(l, err,
				   "ends as on Windows. Write the file with Unix line ends "
				   "(sed -i 's/\\r$//')");
		if (text[i] == '\t' || (text[i] >= ' ' && text[i] <= '~'))
			continue;
		return bad(l, err,
			   "has a byte that is not printable ASCII. Write it anew with a text "
			   "editor");
	}
	return 0;
}

/* key_len is 0 for a line without a setting. */
static int split(struct line *l, const char *text, size_t len, struct sut_err *err)
{
	const char *equals;
	int r = check_bytes(l, text, len, err);

	l->key_len = 0;
	trim(&text, &len);
	if (r < 0 || len == 0 || *text == '#')
		return r;
	equals = memchr(text, '=', len);
	if (!equals)
		return bad(l, err,
			   "is no setting. Write 'insecure-local = allow' or 'insecure-local = "
			   "refuse', or begin it with '#'");
	l->key = text;
	l->key_len = (size_t)(equals - text);
	l->value = equals + 1;
	l->value_len = len - l->key_len - 1;
	trim(&l->key, &l->key_len);
	trim(&l->value, &l->value_len);
	if (l->key_len == 0)
		return bad(l, err, "has no name before '='. Write 'insecure-local = refuse'");
	return 0;
}

static int set(struct sut_policy *p, const struct line *l, bool *seen, struct sut_err *err)
{
	if (!is(l->key, l->key_len, "insecure-local"))
		return sut_err_reason(err, EBADMSG, "policy",
				      "line %u has the setting '%.*s', which this suture does not "
				      "know. Correct or remove it; known is: insecure-local",
				      l->number, l->key_len > 64 ? 64 : (int)l->key_len, l->key);
	if (*seen)
		return bad(l, err, "sets insecure-local a second time. Remove one of them");
	*seen = true;
	if (!is(l->value, l->value_len, "allow") && !is(l->value, l->value_len, "refuse"))
		return sut_err_reason(err, EBADMSG, "policy",
				      "line %u sets insecure-local to '%.*s'. Write 'allow' or "
				      "'refuse'",
				      l->number, l->value_len > 64 ? 64 : (int)l->value_len,
				      l->value);
	p->insecure_local = is(l->value, l->value_len, "allow");
	return 0;
}

int sut_policy_parse(const void *text, size_t len, struct sut_policy *ret, struct sut_err *err)
{
	struct sut_policy p = defaults;
	struct line l = {0};
	bool seen = false;
	size_t at = 0;

	if (len > SUT_POLICY_MAX)
		return sut_err_reason(err, EBADMSG, "policy",
				      "it is larger than 64 KiB. Shorten it");
	while (at < len) {
		const char *start = (const char *)text + at;
		const char *end = memchr(start, '\n', len - at);
		size_t n = end ? (size_t)(end - start) : len - at;
		int r;

		l.number++;
		r = split(&l, start, n, err);
		if (r == 0 && l.key_len)
			r = set(&p, &l, &seen, err);
		if (r < 0)
			return r;
		at += n + 1;
	}
	*ret = p;
	return 0;
}

/* ------------------------------------------------------------------ */

static int check_owner(int fd, bool folder, struct sut_err *err)
{
	const char *what = folder ? "its folder" : "it";
	struct stat st;

	if (fstat(fd, &st) < 0)
		return sut_err_errno(err, "cannot look at %s", what);
	if (!folder && !S_ISREG(st.st_mode))
		return sut_err_set(err, EINVAL, "it is no plain file. Put one in its place");
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return sut_err_set(err, EPERM,
				   "%s belongs to user %u. Give it to root (chown root)", what,
				   (unsigned int)st.st_uid);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return sut_err_set(err, EPERM,
				   "others than root can write to %s. Take that away (chmod go-w)",
				   what);
	return 0;
}

/* *ret_fd is -1 when there is no such file. */
static int open_checked(const char *path, int *ret_fd, struct sut_err *err)
{
	const char *slash = strrchr(path, '/');
	_cleanup_(sut_freep) char *dir =
		slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	_cleanup_(sut_closep) int folder = -1, fd = -1;
	int r;

	if (!dir)
		return sut_err_oom(err);
	*ret_fd = -1;
	folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return errno == ENOENT ? 0 : sut_err_errno(err, "cannot open its folder");
	/* Who can write to the folder can also take the file away. */
	r = check_owner(folder, true, err);
	if (r < 0)
		return r;
	/* A link may lead out of the folder, and opening a pipe would wait. */
	fd = openat(folder, slash ? slash + 1 : path,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 && errno == ELOOP)
		return sut_err_set(err, ELOOP,
				   "it is a symbolic link. Put the file itself in its place");
	if (fd < 0)
		return sut_err_errno(err, "cannot open it");
	r = check_owner(fd, false, err);
	if (r == 0)
		*ret_fd = sut_steal_fd(&fd);
	return r;
}

int sut_policy_read(const char *path, struct sut_policy *ret, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_POLICY_MAX);
	_cleanup_(sut_closep) int fd = -1;
	struct sut_err why = {0};
	int r = open_checked(path, &fd, &why);

	if (r == 0 && fd < 0) {
		*ret = defaults;
		return 0;
	}
	if (r == 0)
		r = sut_file_read_fd(fd, "it", &b, &why);
	if (r == 0)
		r = sut_policy_parse(b.data, b.len, ret, &why);
	if (r < 0)
		return sut_err_reason(
			err, -r, "policy",
			"cannot rely on the policy %s, so --insecure-local, --keys and "
			"--engine are refused: %s",
			path, why.msg);
	return 0;
}
