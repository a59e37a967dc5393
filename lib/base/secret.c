// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>

#include "base/file.h"

void sut_secret_release(struct sut_buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	sut_buf_release(b);
}

static int from_file(const struct sut_secret_ask *a, struct sut_buf *ret, struct sut_err *err)
{
	_cleanup_secret_ struct sut_buf b = SUT_BUF_INIT(SUT_SECRET_MAX + 2);
	size_t len;
	int r;

	/* Room for all of it, so that growing leaves no copy behind. */
	if (sut_buf_reserve(&b, b.max) < 0)
		return sut_err_oom(err);
	r = sut_file_read(a->file, &b, err);
	if (r < 0)
		return r;
	len = strcspn(sut_buf_str(&b), "\r\n");
	if (!len || len > SUT_SECRET_MAX)
		return sut_err_set(err, EINVAL,
				   "the first line of %s is to be the %s: 1 to %d bytes", a->file,
				   a->word, SUT_SECRET_MAX);
	return sut_buf_add(ret, b.data, len) < 0 ? sut_err_oom(err) : 0;
}

static int say(int tty, const char *s)
{
	return write(tty, s, strlen(s)) < 0 ? -errno : 0;
}

/* One line, which the terminal does not show. Signals are characters meanwhile, so that none of
 * them leaves a terminal without echo. */
static int ask(int tty, const struct sut_secret_ask *a, const char *more, struct sut_buf *ret,
	       struct sut_err *err)
{
	struct termios old, quiet;
	int r = 0;
	char c = 0;

	if (tcgetattr(tty, &old) < 0)
		return sut_err_errno(err, "cannot ask on the terminal");
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	if (say(tty, a->prompt) < 0 || say(tty, more) < 0 || tcsetattr(tty, TCSAFLUSH, &quiet) < 0)
		return sut_err_errno(err, "cannot ask on the terminal");
	while (r == 0) {
		ssize_t n = read(tty, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || c == '\n' || c == '\r')
			break;
		if (c == 3)
			r = sut_err_set(err, EINTR, "interrupted");
		else if (sut_buf_add(ret, &c, 1) < 0)
			r = sut_err_set(err, EINVAL, "a %s has at most %d bytes", a->word,
					SUT_SECRET_MAX);
	}
	tcsetattr(tty, TCSAFLUSH, &old);
	(void)!say(tty, "\n");
	explicit_bzero(&c, 1);
	if (r == 0 && !ret->len)
		r = sut_err_set(err, EINVAL, "no %s was given", a->word);
	return r;
}

int sut_secret_get(const struct sut_secret_ask *a, struct sut_buf *ret, struct sut_err *err)
{
	_cleanup_secret_ struct sut_buf first = SUT_BUF_INIT(SUT_SECRET_MAX);
	_cleanup_secret_ struct sut_buf again = SUT_BUF_INIT(SUT_SECRET_MAX);
	_cleanup_(sut_closep) int tty = -1;
	int r;

	if (a->file)
		return from_file(a, ret, err);
	tty = isatty(STDIN_FILENO) ? open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY) : -1;
	if (tty < 0)
		return sut_err_set(err, ENOTTY, "there is no terminal to ask for a %s; %s", a->word,
				   a->advice);
	if (sut_buf_reserve(&first, first.max) < 0 || sut_buf_reserve(&again, again.max) < 0)
		return sut_err_oom(err);
	r = ask(tty, a, ": ", &first, err);
	if (r == 0 && a->confirm) {
		r = ask(tty, a, ", again: ", &again, err);
		if (r == 0 && strcmp(sut_buf_str(&first), sut_buf_str(&again)) != 0)
			r = sut_err_set(err, EINVAL, "the two %ss differ; nothing was done",
					a->word);
	}
	if (r < 0)
		return r;
	return sut_buf_add(ret, first.data, first.len) < 0 ? sut_err_oom(err) : 0;
}
