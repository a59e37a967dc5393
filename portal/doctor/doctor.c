// SPDX-License-Identifier: Apache-2.0
#include "doctor/doctor.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>

#include "cmd.h"
#include "portal.h"

enum { DETAIL_MAX = 3000 };

const char *doctor_word(enum doctor_state state)
{
	static const char *const words[] = {"ok", "warn", "fail"};

	return words[state];
}

void doctor_add(struct doctor *d, enum doctor_state state, const char *check, const char *advice,
		const char *fmt, ...)
{
	char detail[DETAIL_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	if (state > d->worst)
		d->worst = state;
	/* A line that is lost is a failure of its own. */
	if (json_array_append_new(d->lines, json_pack("{s:s, s:s, s:s, s:s?}", "check", check,
						      "status", doctor_word(state), "detail",
						      detail, "advice", advice)) < 0)
		d->worst = DOCTOR_FAIL;
}

/* Is a password in the settings? */
static bool has_password(const char *url)
{
	const char *at = strchr(url, '@'), *user = strstr(url, "://");
	const char *colon = user ? strchr(user + 3, ':') : NULL;

	return strstr(url, "password=") || (at && colon && colon < at);
}

int doctor_conf(struct doctor *d)
{
	struct sut_err err = {0};
	struct stat st;

	if (cmd_conf(&portal_program, d->config, &d->conf.s, &err) < 0) {
		doctor_add(d, DOCTOR_FAIL, "settings",
			   "Mend the file; suture-portal(8) has all "
			   "settings",
			   "%s", err.msg);
		return -EINVAL;
	}
	if (stat(d->config, &st) == 0 && (st.st_mode & S_IWOTH))
		doctor_add(d, DOCTOR_FAIL, "settings",
			   "Make it writable by its owner only (chmod 640)",
			   "anybody may change %s", d->config);
	else if (st.st_mode & S_IROTH && has_password(d->conf.s.database))
		doctor_add(d, DOCTOR_WARN, "settings",
			   "Use chmod 640, or a passfile=FILE in the URL of the database",
			   "anybody may read the password in %s", d->config);
	else
		doctor_add(d, DOCTOR_OK, "settings", NULL, "%s", d->config);
	return 0;
}

/* --- clock and disk --- */

static void server_clock(struct doctor *d)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	struct sut_err err = {0};
	int64_t off;

	if (!d->db || sut_db_engine(d->db) != SUT_DB_PGSQL ||
	    sut_db_one(d->db, "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS BIGINT)",
		       SUT_DB_NONE, &rows, &err) != 1)
		return;
	off = sut_db_int(rows, 0) - d->now;
	if (off < -60 || off > 60)
		doctor_add(d, DOCTOR_WARN, "clock", "Synchronise both by NTP",
			   "the clock of the database's server differs by %lld seconds",
			   (long long)off);
}

void doctor_clock(struct doctor *d)
{
	struct timex t = {0};

	server_clock(d);
	if (adjtimex(&t) < 0)
		doctor_add(d, DOCTOR_WARN, "clock", NULL, "cannot be asked: %s", strerror(errno));
	else if (t.status & STA_UNSYNC)
		doctor_add(d, DOCTOR_WARN, "clock",
			   "Run chrony or systemd-timesyncd: delays and expiry count on the clock",
			   "nothing synchronises it");
	else
		doctor_add(d, DOCTOR_OK, "clock", NULL, "synchronised");
}

void doctor_disk(struct doctor *d)
{
	static const char prefix[] = "sqlite:";
	_cleanup_(sut_freep) char *path = NULL;
	const char *dir;
	struct statvfs v;
	uint64_t mib, percent;
	enum doctor_state state;

	if (!sut_startswith(d->conf.s.database, prefix))
		return;
	path = strdup(d->conf.s.database + strlen(prefix));
	if (!path)
		return;
	dir = dirname(path);
	if (statvfs(dir, &v) < 0) {
		doctor_add(d, DOCTOR_FAIL, "disk", NULL, "%s: %s", dir, strerror(errno));
		return;
	}
	mib = (uint64_t)v.f_bavail * v.f_frsize >> 20;
	percent = v.f_blocks ? (uint64_t)v.f_bavail * 100 / v.f_blocks : 100;
	state = mib < 200 ? DOCTOR_FAIL : mib < 1024 && percent < 10 ? DOCTOR_WARN : DOCTOR_OK;
	doctor_add(d, state, "disk",
		   state == DOCTOR_OK ? NULL : "Free space, or move the database to a larger disk",
		   "%llu MiB are free in %s (%llu %%)", (unsigned long long)mib, dir,
		   (unsigned long long)percent);
}
