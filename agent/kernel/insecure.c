// SPDX-License-Identifier: Apache-2.0
#include "insecure.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/file.h"
#include "base/str.h"
#include "base/utf8.h"

/* The user of the session this began in: sudo and su do not change it (audit). */
static unsigned int login_uid(void)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(64);
	uint64_t n;

	if (sut_file_read("/proc/self/loginuid", &b, NULL) < 0)
		return SUT_NO_LOGIN;
	return sut_parse_u64(sut_buf_str(&b), UINT32_MAX, &n) < 0 ? SUT_NO_LOGIN : (unsigned int)n;
}

static void show_login(unsigned int login, char *ret, size_t len)
{
	if (login == SUT_NO_LOGIN)
		snprintf(ret, len, "none");
	else
		snprintf(ret, len, "%u", login);
}

void sut_insecure_warn(const char *path, const struct sut_loaded *l, const struct sut_trust *t)
{
	_cleanup_(sut_freep) char *file = strdup(path);
	char login[16];

	show_login(login_uid(), login, sizeof(login));
	if (file)
		sut_make_printable(file, "");
	fprintf(stderr,
		"**********************************************************************\n"
		"  WARNING: --insecure-local: this patch is applied without trust\n"
		"\n"
		"  file     %s\n"
		"  SHA-256  %s\n"
		"  trust    %s\n"
		"\n"
		"  Its code gets every right on this machine. The log says that you\n"
		"  did this (uid %u, login uid %s). It is meant for authors of patches\n"
		"  on machines for tests. To forbid it on this machine, write\n"
		"  'insecure-local = refuse' into " SUT_POLICY_FILE ".\n"
		"**********************************************************************\n",
		file ? file : "(out of memory)", l->sha256,
		sut_trust_is_good(t) ? "its signature is good, the option is not needed"
				     : t->why.msg,
		(unsigned int)getuid(), login);
}

void sut_insecure_record(const char *what, const char *detail, unsigned int uid, unsigned int login,
			 char ret[static SUT_INSECURE_RECORD_MAX])
{
	char who[16];

	show_login(login, who, sizeof(who));
	/* Who did it comes before what a file name can make long. */
	snprintf(ret, SUT_INSECURE_RECORD_MAX, "%s: by uid %u, login uid %s: %s", what, uid, who,
		 detail);
	for (char *p = ret; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
}

void sut_insecure_log(const char *what, const char *fmt, ...)
{
	char record[SUT_INSECURE_RECORD_MAX], detail[SUT_INSECURE_RECORD_MAX];
	_cleanup_(sut_freep) char *line = NULL;
	_cleanup_(sut_closep) int fd = -1;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	sut_insecure_record(what, detail, getuid(), login_uid(), record);
	openlog("suture", LOG_PID, LOG_AUTHPRIV);
	syslog(LOG_AUTHPRIV | LOG_WARNING, "%s", record);
	closelog();
	/* One write is one record there. */
	fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
	line = sut_sprintf("<%d>suture: %s\n", LOG_AUTHPRIV | LOG_WARNING, record);
	if (fd >= 0 && line)
		(void)!write(fd, line, strlen(line));
}
