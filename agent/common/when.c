// SPDX-License-Identifier: Apache-2.0
#include "common/when.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void when_text(int64_t seconds, char ret[static WHEN_MAX])
{
	time_t t = seconds < 0 ? 0 : seconds > WHEN_LAST ? WHEN_LAST : seconds;
	struct tm tm = {0};

	gmtime_r(&t, &tm);
	if (strftime(ret, WHEN_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		ret[0] = 0;
}

/* Text that looks like the pattern, where 0 stands for any digit. */
static bool looks_like(const char *text, const char *pattern)
{
	for (; *pattern; text++, pattern++)
		if (*pattern == '0' ? *text < '0' || *text > '9' : *text != *pattern)
			return false;
	return *text == 0;
}

static int number(const char *digits, int n)
{
	int v = 0;

	while (n--)
		v = v * 10 + (*digits++ - '0');
	return v;
}

bool when_parse(const char *text, int64_t *ret)
{
	char back[WHEN_MAX];
	struct tm tm;
	int64_t t;

	if (!looks_like(text, "0000-00-00T00:00:00Z"))
		return false;
	tm = (struct tm){
		.tm_year = number(text, 4) - 1900,
		.tm_mon = number(text + 5, 2) - 1,
		.tm_mday = number(text + 8, 2),
		.tm_hour = number(text + 11, 2),
		.tm_min = number(text + 14, 2),
		.tm_sec = number(text + 17, 2),
	};
	t = timegm(&tm);
	/* The 31st of February would come back as a day of March. */
	when_text(t, back);
	if (strcmp(back, text) != 0)
		return false;
	*ret = t;
	return true;
}

bool when_parse_day(const char *text, int64_t *ret_end)
{
	char moment[WHEN_MAX];
	int64_t end;

	if (!looks_like(text, "0000-00-00"))
		return false;
	snprintf(moment, sizeof(moment), "%.10sT23:59:59Z", text);
	if (!when_parse(moment, &end))
		return false;
	if (ret_end)
		*ret_end = end;
	return true;
}
