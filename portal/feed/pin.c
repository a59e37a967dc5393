// SPDX-License-Identifier: Apache-2.0
#include "feed/pin.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/str.h"

/* The first second of the day after YYYY-MM-DD. */
static int parse_date(const char *s, int64_t *ret)
{
	struct tm tm = {0}, given;
	int y, m, d, n = 0;
	time_t t;

	if (strspn(s, "0123456789-") != 10 || sscanf(s, "%4d-%2d-%2d%n", &y, &m, &d, &n) != 3 ||
	    n != 10 || s[10] || y < 1970)
		return -EINVAL;
	tm.tm_year = y - 1900;
	tm.tm_mon = m - 1;
	tm.tm_mday = d;
	given = tm;
	t = timegm(&tm);
	/* timegm() makes 1 March of 30 February. */
	if (tm.tm_mon != given.tm_mon || tm.tm_mday != given.tm_mday)
		return -EINVAL;
	*ret = (int64_t)t + 86400;
	return 0;
}

static bool is_patchset(const char *s)
{
	size_t n = strlen(s);

	return n && n <= FEED_PATCHSET_MAX && s[0] != '.' &&
	       strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

int feed_pin_parse(const char *text, struct feed_pin *ret, struct sut_err *err)
{
	struct feed_pin p = {0};
	uint64_t level;
	bool ok = false;

	if (!text || !*text) {
		*ret = p;
		return 0;
	}
	if (sut_startswith(text, "level:")) {
		/* One form for one number, and no hexadecimal. */
		ok = text[6] >= '1' && text[6] <= '9' &&
		     sut_parse_u64(text + 6, INT32_MAX, &level) == 0;
		p.kind = FEED_PIN_LEVEL;
		p.level = ok ? (uint32_t)level : 0;
	} else if (sut_startswith(text, "patchset:")) {
		ok = is_patchset(text + 9);
		p.kind = FEED_PIN_PATCHSET;
		if (ok)
			snprintf(p.patchset, sizeof(p.patchset), "%s", text + 9);
	} else if (sut_startswith(text, "date:")) {
		ok = parse_date(text + 5, &p.created) == 0;
		p.kind = FEED_PIN_DATE;
	}
	if (!ok)
		return sut_err_set(err, EINVAL,
				   "a pin is level:N, patchset:NAME or date:YYYY-MM-DD");
	*ret = p;
	return 0;
}
