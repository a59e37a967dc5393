// SPDX-License-Identifier: Apache-2.0
#include "term.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <wchar.h>

#include "base/file.h"
#include "base/str.h"
#include "base/utf8.h"

size_t term_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	uint64_t n;

	if (!isatty(STDOUT_FILENO))
		return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	if (columns && sut_parse_u64(columns, 1000, &n) == 0 && n)
		return n;
	return 80;
}

static size_t one(int32_t c)
{
	int w = c < 0x80 ? 1 : wcwidth((wchar_t)c);

	return w < 0 ? 1 : (size_t)w;
}

size_t term_columns(const char *s)
{
	const uint8_t *p = (const uint8_t *)s, *end = p + strlen(s);
	size_t n = 0;

	while (p < end)
		n += one(sut_utf8_next(&p, end));
	return n;
}

size_t term_fit(const char *s, size_t columns)
{
	const uint8_t *p = (const uint8_t *)s, *end = p + strlen(s);

	while (p < end) {
		const uint8_t *next = p;
		size_t w = one(sut_utf8_next(&next, end));

		if (w > columns)
			break;
		columns -= w;
		p = next;
	}
	return (size_t)(p - (const uint8_t *)s);
}

void term_wipe(struct sut_buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	sut_buf_release(b);
}

static int from_file(const char *file, struct sut_buf *ret, struct sut_err *err)
{
	_cleanup_secret_ struct sut_buf b = SUT_BUF_INIT(TERM_PASSWORD_MAX + 2);
	size_t len;
	int r;

	/* Room for all of it, so that growing leaves no copy behind. */
	if (sut_buf_reserve(&b, b.max) < 0)
		return sut_err_oom(err);
	r = sut_file_read(file, &b, err);
	if (r < 0)
		return r;
	len = strcspn(sut_buf_str(&b), "\r\n");
	if (!len || len > TERM_PASSWORD_MAX)
		return sut_err_set(err, EINVAL,
				   "the first line of %s is to be the password: 1 to %d bytes",
				   file, TERM_PASSWORD_MAX);
	return sut_buf_add(ret, b.data, len) < 0 ? sut_err_oom(err) : 0;
}

static int say(int tty, const char *s)
{
	return write(tty, s, strlen(s)) < 0 ? -errno : 0;
}

/* One line, which the terminal does not show. Signals are characters meanwhile, so that none of
 * them leaves a terminal without echo. */
static int ask(int tty, const char *prompt, const char *more, struct sut_buf *ret,
	       struct sut_err *err)
{
	struct termios old, quiet;
	int r = 0;
	char c;

	if (tcgetattr(tty, &old) < 0)
		return sut_err_errno(err, "cannot ask on the terminal");
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	if (say(tty, prompt) < 0 || say(tty, more) < 0 || tcsetattr(tty, TCSAFLUSH, &quiet) < 0)
		return sut_err_errno(err, "cannot ask on the terminal");
	for (;;) {
		ssize_t n = read(tty, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || c == '\n' || c == '\r')
			break;
		if (c == 3)
			r = sut_err_set(err, EINTR, "interrupted");
		else if (sut_buf_add(ret, &c, 1) < 0)
			r = sut_err_set(err, EINVAL, "a password has at most %d bytes",
					TERM_PASSWORD_MAX);
		if (r < 0)
			break;
	}
	tcsetattr(tty, TCSAFLUSH, &old);
	(void)!say(tty, "\n");
	explicit_bzero(&c, 1);
	if (r == 0 && !ret->len)
		r = sut_err_set(err, EINVAL, "no password was given");
	return r;
}

int term_password(const char *file, const char *prompt, bool confirm, struct sut_buf *ret,
		  struct sut_err *err)
{
	_cleanup_secret_ struct sut_buf again = SUT_BUF_INIT(TERM_PASSWORD_MAX);
	_cleanup_(sut_closep) int tty = -1;
	int r;

	if (sut_buf_reserve(ret, TERM_PASSWORD_MAX) < 0 ||
	    sut_buf_reserve(&again, TERM_PASSWORD_MAX) < 0)
		return sut_err_oom(err);
	if (file)
		return from_file(file, ret, err);
	tty = isatty(STDIN_FILENO) ? open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY) : -1;
	if (tty < 0)
		return sut_err_set(err, ENOTTY,
				   "there is no terminal to ask for a password; give it in a file, "
				   "as --help says");
	r = ask(tty, prompt, ": ", ret, err);
	if (r == 0 && confirm) {
		r = ask(tty, prompt, ", again: ", &again, err);
		if (r == 0 && strcmp(sut_buf_str(ret), sut_buf_str(&again)) != 0)
			r = sut_err_set(err, EINVAL, "the two passwords differ; nothing was done");
	}
	return r;
}
