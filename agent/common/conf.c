// SPDX-License-Identifier: Apache-2.0
#include "common/conf.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/conf.h"
#include "base/file.h"
#include "base/str.h"
#include "base/utf8.h"
#include "common/paths.h"

enum {
	DAY_S = 86400,
	DAY_MIN = 1440,
	LEVEL_MAX = INT32_MAX,
	HEARTBEAT_MIN_S = 10,
	HEARTBEAT_MAX_S = DAY_S,
	CHECK_MIN_S = 30,
	CHECK_MAX_S = 7 * DAY_S,
	LONG_MAX_S = 365 * DAY_S,
	PROBATION_MAX_S = DAY_S,
	HEALTH_MAX_S = 600,
};

static int bad(struct sut_err *err, const char *key, const char *value, const char *instead)
{
	return sut_err_reason(err, EBADMSG, "conf", "%s = %.60s: %s", key, value, instead);
}

/* ------------------------------------------------------------------ */
/* Values */

static int parse_url(const char *key, const char *value, bool proxy, char *ret, struct sut_err *err)
{
	static const char *const schemes[] = {"https://", "http://", "socks5h://", "socks5://"};
	size_t len = strlen(value), n = 0;

	for (size_t i = 0; i < (proxy ? SUT_ARRAY_SIZE(schemes) : 2) && !n; i++)
		if (sut_startswith(value, schemes[i]))
			n = strlen(schemes[i]);
	while (!proxy && len > n && n && value[len - 1] == '/')
		len--;
	if (!n || len == n || value[n] == '/')
		return bad(err, key, value,
			   proxy ? "write http://HOST:PORT, or none"
				 : "write an address such as https://portal.example");
	if (strcspn(value, " \t\"<>\\^`{|}?#") < strlen(value))
		return bad(err, key, value, "an address has no spaces, quotes, '?' or '#'");
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)value[i] < '!' || (unsigned char)value[i] > '~')
			return bad(err, key, value, "write other characters as %XX");
	/* A password would be shown by `suture status`. */
	if (!proxy && memchr(value + n, '@', strcspn(value + n, "/")))
		return bad(err, key, value, "leave out name and password");
	if (len > AGENT_URL_MAX)
		return bad(err, key, value, "at most 1024 characters are read");
	memcpy(ret, value, len);
	ret[len] = '\0';
	return 0;
}

int agent_url_parse(const char *what, const char *url, char ret[static AGENT_URL_MAX + 1],
		    struct sut_err *err)
{
	return parse_url(what, url, false, ret, err);
}

static int parse_file(const char *key, const char *value, char *ret, struct sut_err *err)
{
	if (value[0] != '/')
		return bad(err, key, value, "write a whole path that begins with '/'");
	if (strlen(value) > AGENT_URL_MAX)
		return bad(err, key, value, "at most 1024 characters are read");
	memcpy(ret, value, strlen(value) + 1);
	return 0;
}

static int parse_duration(const char *key, const char *value, int64_t min, int64_t max,
			  int64_t *ret, struct sut_err *err)
{
	struct sut_err why;
	int64_t v;

	if (sut_conf_duration(value, max, &v, &why) < 0)
		return sut_err_reason(err, EBADMSG, "conf", "%s: %s", key, why.msg);
	if (v < min)
		return sut_err_reason(err, EBADMSG, "conf", "%s = %.60s: at least %lld seconds",
				      key, value, (long long)min);
	*ret = v;
	return 0;
}

static int parse_bool(const char *key, const char *value, bool *ret, struct sut_err *err)
{
	if (sut_conf_bool(value, ret, NULL) < 0)
		return bad(err, key, value, "write yes or no");
	return 0;
}

static bool is_date(const char *s)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	unsigned int v[3] = {0};
	unsigned int leap;

	if (strlen(s) != 10 || s[4] != '-' || s[7] != '-')
		return false;
	for (size_t i = 0, part = 0; i < 10; i++) {
		if (i == 4 || i == 7) {
			part++;
			continue;
		}
		if (s[i] < '0' || s[i] > '9')
			return false;
		v[part] = v[part] * 10 + (unsigned int)(s[i] - '0');
	}
	leap = v[1] == 2 && v[0] % 4 == 0 && (v[0] % 100 || v[0] % 400 == 0);
	return v[0] >= 1970 && v[1] >= 1 && v[1] <= 12 && v[2] >= 1 &&
	       v[2] <= days[v[1] - 1] + leap;
}

/* ------------------------------------------------------------------ */
/* Windows */

/* -1: no day */
static int parse_day(const char *s, size_t len)
{
	static const char names[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

	for (int i = 0; i < 7; i++)
		if (len == 3 && !strncasecmp(s, names[i], 3))
			return i;
	return -1;
}

/* "Mon-Fri,Sun": 0 when it is no such thing */
static uint8_t parse_days(const char *s, size_t len)
{
	uint8_t days = 0;

	if (len == 5 && !strncasecmp(s, "daily", 5))
		return 0x7f;
	while (len) {
		const char *comma = memchr(s, ',', len);
		size_t n = comma ? (size_t)(comma - s) : len;
		const char *dash = memchr(s, '-', n);
		int from = parse_day(s, dash ? (size_t)(dash - s) : n), to = from;

		if (dash)
			to = parse_day(dash + 1, n - (size_t)(dash - s) - 1);
		if (from < 0 || to < 0)
			return 0;
		for (int d = from;; d = (d + 1) % 7) {
			days |= (uint8_t)(1 << d);
			if (d == to)
				break;
		}
		if (comma && n + 1 == len)
			return 0;
		s += n + (comma ? 1 : 0);
		len -= n + (comma ? 1 : 0);
	}
	return days;
}

/* "22:00", up to "24:00"; -1 otherwise */
static int parse_minute(const char *s)
{
	int h, m;

	for (int i = 0; i < 5; i++)
		if (i == 2 ? s[i] != ':' : s[i] < '0' || s[i] > '9')
			return -1;
	h = (s[0] - '0') * 10 + s[1] - '0';
	m = (s[3] - '0') * 10 + s[4] - '0';
	return m > 59 || h * 60 + m > DAY_MIN ? -1 : h * 60 + m;
}

int agent_window_parse(const char *text, struct agent_window *ret, struct sut_err *err)
{
	size_t n = strcspn(text, " \t");
	const char *times = text + n + strspn(text + n, " \t");
	uint8_t days = parse_days(text, n);
	int from = -1, till = -1;

	if (strlen(times) == 11 && times[5] == '-') {
		from = parse_minute(times);
		till = parse_minute(times + 6);
	}
	if (!days || from < 0 || till < 0 || from == DAY_MIN)
		return sut_err_reason(err, EBADMSG, "conf",
				      "'%.60s' is no window. Write days and times: Mon-Fri "
				      "22:00-04:00, or daily 02:00-05:00",
				      text);
	if (from == till)
		return sut_err_reason(
			err, EBADMSG, "conf",
			"'%.60s' begins when it ends. Write 00:00-24:00 for whole days", text);
	*ret = (struct agent_window){.days = days, .from = (uint16_t)from, .till = (uint16_t)till};
	return 0;
}

/* Local midnight of the day that is `days` after that of t, plus minutes, as the clocks on the wall go. */
static int64_t at_local(const struct tm *t, int days, int minutes)
{
	struct tm at = {.tm_year = t->tm_year,
			.tm_mon = t->tm_mon,
			.tm_mday = t->tm_mday + days,
			.tm_min = minutes,
			.tm_isdst = -1};

	return (int64_t)mktime(&at);
}

bool agent_window_open(const struct agent_window *w, size_t n, int64_t now, int64_t *ret_opens)
{
	int64_t opens = INT64_MAX;
	time_t t = (time_t)now;
	struct tm local;

	if (!localtime_r(&t, &local)) {
		*ret_opens = opens;
		return false;
	}
	for (size_t i = 0; i < n; i++)
		/* From yesterday's, which may last until now, to that of today in a week. */
		for (int day = -1; day <= 7; day++) {
			int weekday = (local.tm_wday + day + 7) % 7;
			int64_t from, till;

			if (!(w[i].days & 1 << weekday))
				continue;
			from = at_local(&local, day, w[i].from);
			till = at_local(&local, day + (w[i].till <= w[i].from), w[i].till);
			if (now >= from && now < till)
				return true;
			if (from > now && from < opens)
				opens = from;
		}
	*ret_opens = opens;
	return false;
}

/* ------------------------------------------------------------------ */
/* Policies, plain or of a feed */

enum { SET_UPDATE = 1, SET_WINDOW = 2, SET_DELAY = 4, SET_STICKY = 8 };

/* What one feed (or none) sets. */
struct part {
	char feed[AGENT_NAME_MAX + 1];
	struct agent_policy policy;
	unsigned int set;
};

struct parse {
	struct agent_conf conf;
	struct part parts[AGENT_FEEDS_MAX + 1]; /* the first one is the plain one */
	size_t nparts;
	uint64_t set; /* bits of settings[] */
};

static int set_update(struct agent_policy *p, const char *key, const char *value,
		      struct sut_err *err)
{
	static const char *const words[] = {
		[AGENT_UPDATE_AUTO] = "auto",
		[AGENT_UPDATE_MANUAL] = "manual",
		[AGENT_UPDATE_WINDOW] = "window",
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(words); i++)
		if (!strcmp(value, words[i])) {
			p->update = (enum agent_update)i;
			return 0;
		}
	return bad(err, key, value, "write auto, manual or window");
}

static int set_sticky(struct agent_policy *p, const char *key, const char *value,
		      struct sut_err *err)
{
	uint64_t level;

	p->sticky_level = 0;
	p->sticky_date[0] = '\0';
	if (!strcmp(value, "none"))
		return 0;
	if (is_date(value))
		memcpy(p->sticky_date, value, sizeof(p->sticky_date));
	else if (strspn(value, "0123456789") == strlen(value) &&
		 sut_parse_u64(value, LEVEL_MAX, &level) == 0 && level > 0)
		p->sticky_level = (uint32_t)level;
	else
		return bad(err, key, value,
			   "write a level (3), a day (2026-11-21: what was released until then), "
			   "or none");
	return 0;
}

static int add_window(struct agent_policy *p, const char *key, const char *value,
		      struct sut_err *err)
{
	struct sut_err why;

	if (p->nwindows == AGENT_WINDOWS_MAX)
		return bad(err, key, value, "there are 16 windows already");
	if (agent_window_parse(value, &p->windows[p->nwindows], &why) < 0)
		return sut_err_reason(err, EBADMSG, "conf", "%s: %s", key, why.msg);
	p->nwindows++;
	return 0;
}

/* 0: key is none of a policy; 1: it was set */
static int set_policy(struct part *part, const char *whole, const char *key, const char *value,
		      struct sut_err *err)
{
	static const char *const keys[] = {"update", "window", "delay", "sticky"};
	struct agent_policy *p = &part->policy;
	unsigned int bit = 0;
	int r = 0;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(keys); i++)
		if (!strcmp(key, keys[i]))
			bit = 1u << i;
	if (!bit)
		return 0;
	if ((part->set & bit) && bit != SET_WINDOW)
		return bad(err, whole, value, "it was set before; keep one of the two");
	part->set |= bit;
	if (bit == SET_UPDATE)
		r = set_update(p, whole, value, err);
	else if (bit == SET_WINDOW)
		r = add_window(p, whole, value, err);
	else if (bit == SET_DELAY)
		r = parse_duration(whole, value, 0, LONG_MAX_S, &p->delay_s, err);
	else
		r = set_sticky(p, whole, value, err);
	return r < 0 ? r : 1;
}

/* NULL when there are too many. */
static struct part *part_of(struct parse *p, const char *feed, size_t len)
{
	struct part *part;

	for (size_t i = 1; i < p->nparts; i++)
		if (strlen(p->parts[i].feed) == len && !memcmp(p->parts[i].feed, feed, len))
			return &p->parts[i];
	if (p->nparts == SUT_ARRAY_SIZE(p->parts))
		return NULL;
	part = &p->parts[p->nparts++];
	memcpy(part->feed, feed, len);
	part->feed[len] = '\0';
	return part;
}

static int merge(struct part *plain, const struct part *part, struct agent_policy *ret,
		 struct sut_err *err)
{
	*ret = plain->policy;
	if (part->set & SET_UPDATE)
		ret->update = part->policy.update;
	if (part->set & SET_DELAY)
		ret->delay_s = part->policy.delay_s;
	if (part->set & SET_STICKY) {
		ret->sticky_level = part->policy.sticky_level;
		memcpy(ret->sticky_date, part->policy.sticky_date, sizeof(ret->sticky_date));
	}
	if (part->set & SET_WINDOW) {
		ret->nwindows = part->policy.nwindows;
		memcpy(ret->windows, part->policy.windows, sizeof(ret->windows));
	}
	if (ret->update == AGENT_UPDATE_WINDOW && !ret->nwindows)
		return sut_err_reason(
			err, EBADMSG, "conf",
			"agent.conf: %s%supdate = window: there is no window. Add a line such as "
			"%s%swindow = daily 02:00-05:00",
			part->feed, *part->feed ? "." : "", part->feed, *part->feed ? "." : "");
	return 0;
}

/* ------------------------------------------------------------------ */
/* Settings that are no policy */

enum kind { KIND_URL, KIND_PROXY, KIND_FILE, KIND_BOOL, KIND_SECONDS };

static const struct {
	const char *key;
	enum kind kind;
	size_t offset;
	int64_t min, max; /* KIND_SECONDS */
} settings[] = {
	{"portal", KIND_URL, offsetof(struct agent_conf, portal)},
	{"portal-ca", KIND_FILE, offsetof(struct agent_conf, portal_ca)},
	{"repository", KIND_URL, offsetof(struct agent_conf, repository)},
	{"proxy", KIND_PROXY, offsetof(struct agent_conf, proxy)},
	{"console", KIND_URL, offsetof(struct agent_conf, console)},
	{"console-ca", KIND_FILE, offsetof(struct agent_conf, console_ca)},
	{"metrics", KIND_FILE, offsetof(struct agent_conf, metrics)},
	{"heartbeat", KIND_SECONDS, offsetof(struct agent_conf, heartbeat_s), HEARTBEAT_MIN_S,
	 HEARTBEAT_MAX_S},
	{"check", KIND_SECONDS, offsetof(struct agent_conf, check_s), CHECK_MIN_S, CHECK_MAX_S},
	{"probation", KIND_SECONDS, offsetof(struct agent_conf, probation_s), 0, PROBATION_MAX_S},
	{"grace", KIND_SECONDS, offsetof(struct agent_conf, grace_s), 0, LONG_MAX_S},
	{"health-timeout", KIND_SECONDS, offsetof(struct agent_conf, health_s), 1, HEALTH_MAX_S},
	{"vex", KIND_BOOL, offsetof(struct agent_conf, vex)},
	{"report-hostname", KIND_BOOL, offsetof(struct agent_conf, report_hostname)},
	{"plain-http", KIND_BOOL, offsetof(struct agent_conf, plain_http)},
	{"libraries", KIND_BOOL, offsetof(struct agent_conf, libraries)},
	{"lib-init", KIND_BOOL, offsetof(struct agent_conf, lib_init)},
};

/* Settings that may be said several times: enum agent_exclude_by. */
static const char *const exclude_keys[AGENT_EXCLUDE_BY] = {
	[AGENT_EXCLUDE_PATH] = "lib-exclude-path",
	[AGENT_EXCLUDE_NAME] = "lib-exclude-name",
	[AGENT_EXCLUDE_UNIT] = "lib-exclude-unit",
	[AGENT_EXCLUDE_USER] = "lib-exclude-user",
};

/* The whole path of a program, a pattern that begins with any, or any. */
static bool is_path_glob(const char *glob)
{
	return glob[0] == '/' || glob[0] == '*';
}

static int add_exclude(struct agent_conf *c, enum agent_exclude_by by, const char *value,
		       struct sut_err *err)
{
	const char *key = exclude_keys[by];
	struct agent_exclude *e = &c->excludes[c->nexcludes];

	if (c->nexcludes == AGENT_EXCLUDES_MAX)
		return bad(err, key, value, "there are 64 exclusions already");
	if (!*value || strlen(value) > AGENT_GLOB_MAX)
		return bad(err, key, value, "write a name or pattern of 1 to 255 bytes");
	if (by == AGENT_EXCLUDE_PATH && !is_path_glob(value))
		return bad(err, key, value, "write a whole path that begins with '/', or with '*'");
	e->by = by;
	memcpy(e->glob, value, strlen(value) + 1);
	c->nexcludes++;
	return 0;
}

static int set_plain(struct parse *p, size_t i, const char *value, struct sut_err *err)
{
	const char *key = settings[i].key;
	char *at = (char *)&p->conf + settings[i].offset;

	if (p->set & UINT64_C(1) << i)
		return bad(err, key, value, "it was set before; keep one of the two");
	p->set |= UINT64_C(1) << i;
	switch (settings[i].kind) {
	case KIND_PROXY:
		if (!strcmp(value, "none")) {
			memcpy(at, "none", sizeof("none"));
			return 0;
		}
		return parse_url(key, value, true, at, err);
	case KIND_URL:
		return parse_url(key, value, false, at, err);
	case KIND_FILE:
		return parse_file(key, value, at, err);
	case KIND_BOOL:
		return parse_bool(key, value, (bool *)at, err);
	default:
		return parse_duration(key, value, settings[i].min, settings[i].max, (int64_t *)at,
				      err);
	}
}

static int on_setting(void *ctx, const char *key, const char *value, struct sut_err *err)
{
	const char *dot = strrchr(key, '.');
	size_t len = dot ? (size_t)(dot - key) : 0;
	struct parse *p = ctx;
	struct part *part = &p->parts[0];
	int r;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(settings); i++)
		if (!strcmp(key, settings[i].key))
			return set_plain(p, i, value, err);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(exclude_keys); i++)
		if (!strcmp(key, exclude_keys[i]))
			return add_exclude(&p->conf, (enum agent_exclude_by)i, value, err);
	if (dot) {
		if (!len || len > AGENT_NAME_MAX)
			return bad(err, key, value,
				   "the name of a feed before the dot has 1 to 63 bytes");
		part = part_of(p, key, len);
		if (!part)
			return bad(err, key, value, "at most 16 feeds have policies of their own");
	}
	r = set_policy(part, key, dot ? dot + 1 : key, value, err);
	if (r == 0)
		return sut_err_reason(err, EBADMSG, "conf",
				      "'%.60s' is no setting; suture-agent.conf(5) lists them all",
				      key);
	return r < 0 ? r : 0;
}

int agent_conf_parse(const void *text, size_t len, struct agent_conf *ret, struct sut_err *err)
{
	/* Some 20 KB: not on the small stack of a thread. */
	_cleanup_(sut_freep) struct parse *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return sut_err_oom(err);
	p->nparts = 1;
	p->conf.probation_s = 900;
	p->conf.grace_s = 7 * DAY_S;
	p->conf.health_s = 60;
	p->conf.vex = p->conf.report_hostname = p->conf.libraries = true;
	r = sut_conf_parse("agent.conf", text, len, on_setting, p, err);
	if (r < 0)
		return r;
	r = merge(&p->parts[0], &p->parts[0], &p->conf.policy, err);
	for (size_t i = 1; r == 0 && i < p->nparts; i++) {
		memcpy(p->conf.feeds[i - 1].feed, p->parts[i].feed, sizeof(p->parts[i].feed));
		r = merge(&p->parts[0], &p->parts[i], &p->conf.feeds[i - 1].policy, err);
		p->conf.nfeeds = i;
	}
	if (r == 0)
		*ret = p->conf;
	return r;
}

int agent_conf_read(const char *root, struct agent_conf *ret, struct sut_err *err)
{
	struct agent_path path = agent_path(root, AGENT_CONF);
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_CONF_MAX);
	int r = sut_file_read(path.s, &b, err);

	if (r < 0 && r != -ENOENT)
		return r;
	return agent_conf_parse(b.data, b.len, ret, err);
}

const struct agent_policy *agent_conf_policy(const struct agent_conf *c, const char *feed)
{
	for (size_t i = 0; *feed && i < c->nfeeds; i++)
		if (!strcmp(c->feeds[i].feed, feed))
			return &c->feeds[i].policy;
	return &c->policy;
}
