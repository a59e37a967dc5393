// SPDX-License-Identifier: Apache-2.0
/* Times as RFC 3339 writes them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "web/web.h"

/* 0001-01-01 to 9999-12-31: what four digits can write. */
#define FIRST (-62135596800LL)
#define LAST 253402300799LL

json_t *web_time(int64_t seconds)
{
	time_t t = seconds < FIRST ? FIRST : seconds > LAST ? LAST : seconds;
	char text[32];
	struct tm tm;

	if (!seconds)
		return json_null();
	gmtime_r(&t, &tm);
	snprintf(text, sizeof(text), "%04u-%02u-%02uT%02u:%02u:%02uZ",
		 (unsigned int)(tm.tm_year + 1900) % 10000, (unsigned int)(tm.tm_mon + 1) % 100,
		 (unsigned int)tm.tm_mday % 100, (unsigned int)tm.tm_hour % 100,
		 (unsigned int)tm.tm_min % 100, (unsigned int)tm.tm_sec % 100);
	return json_string(text);
}

/* The numbers at the places of 'd' in form; other characters stand for themselves. */
static int scan(const char **s, const char *form, int *v)
{
	int n = -1;
	char before = 0;

	for (; *form; form++, (*s)++) {
		if (*form != 'd') {
			if ((**s & ~0x20) != (*form & ~0x20) && **s != *form)
				return -EINVAL;
		} else if (**s < '0' || **s > '9') {
			return -EINVAL;
		} else {
			if (before != 'd')
				v[++n] = 0;
			v[n] = v[n] * 10 + (**s - '0');
		}
		before = *form;
	}
	return 0;
}

static int zone(const char *s, int *ret)
{
	int v[2], sign = *s == '-' ? -1 : 1;

	*ret = 0;
	if (!strcmp(s, "Z") || !strcmp(s, "z"))
		return 0;
	if (*s != '+' && *s != '-')
		return -EINVAL;
	s++;
	if (scan(&s, "dd:dd", v) < 0 || *s || v[0] > 23 || v[1] > 59)
		return -EINVAL;
	*ret = sign * (v[0] * 3600 + v[1] * 60);
	return 0;
}

int web_time_parse(const char *s, int64_t *ret)
{
	int v[6], offset;
	struct tm tm, back;
	time_t t;

	if (scan(&s, "dddd-dd-dd", v) < 0 || (*s != 'T' && *s != 't' && *s != ' '))
		return -EINVAL;
	s++;
	if (scan(&s, "dd:dd:dd", v + 3) < 0)
		return -EINVAL;
	if (*s == '.') {
		size_t n = strspn(s + 1, "0123456789");

		if (!n)
			return -EINVAL;
		s += 1 + n;
	}
	if (zone(s, &offset) < 0 || v[0] < 1 || v[1] < 1 || v[1] > 12 || v[2] < 1 || v[3] > 23 ||
	    v[4] > 59 || v[5] > 60)
		return -EINVAL;
	tm = (struct tm){.tm_year = v[0] - 1900,
			 .tm_mon = v[1] - 1,
			 .tm_mday = v[2],
			 .tm_hour = v[3],
			 .tm_min = v[4],
			 .tm_sec = v[5] == 60 ? 59 : v[5]};
	back = tm;
	t = timegm(&back);
	/* The 30th of February has become the 2nd of March. */
	if (back.tm_mday != tm.tm_mday || back.tm_mon != tm.tm_mon)
		return -EINVAL;
	*ret = (int64_t)t - offset;
	return 0;
}
