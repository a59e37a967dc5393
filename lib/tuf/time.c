// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tuf/meta.h"

/* Days since 1970-01-01 in the Gregorian calendar, with years that begin in March, so that
 * the leap day is the last of its year. */
static int64_t days(int64_t y, int64_t m, int64_t d)
{
	int64_t in_year;

	if (m <= 2) {
		y--;
		m += 12;
	}
	in_year = (153 * (m - 3) + 2) / 5 + d - 1;
	return 365 * y + y / 4 - y / 100 + y / 400 + in_year - 719468;
}

static int month_length(int y, int m)
{
	static const int length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return length[m - 1] + (m == 2 && y % 4 == 0 && (y % 100 || y % 400 == 0));
}

int sut_tuf_time_parse(const char *s, int64_t *ret)
{
	static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
	int v[6] = {0}, n = 0;

	for (size_t i = 0; i < sizeof(form); i++) {
		if (form[i] != 'd') {
			if (s[i] != form[i])
				return -EINVAL;
			n++;
		} else if (s[i] < '0' || s[i] > '9') {
			return -EINVAL;
		} else {
			v[n] = v[n] * 10 + (s[i] - '0');
		}
	}
	if (v[0] < 1 || v[1] < 1 || v[1] > 12 || v[2] < 1 || v[2] > month_length(v[0], v[1]) ||
	    v[3] > 23 || v[4] > 59 || v[5] > 59)
		return -EINVAL;
	*ret = ((days(v[0], v[1], v[2]) * 24 + v[3]) * 60 + v[4]) * 60 + v[5];
	return 0;
}

void sut_tuf_time_format(int64_t t, char ret[static 32])
{
	int64_t first = days(1, 1, 1) * 86400, last = days(10000, 1, 1) * 86400 - 1;
	unsigned int sec, d, m = 1, y;
	int64_t day;

	t = t < first ? first : t > last ? last : t;
	day = (t - first) / 86400;
	sec = (unsigned int)((t - first) % 86400);
	y = 1 + (unsigned int)(day / 366); /* never too late */
	day += days(1, 1, 1);
	while (days(y + 1, 1, 1) <= day)
		y++;
	while (m < 12 && days(y, m + 1, 1) <= day)
		m++;
	d = (unsigned int)(day - days(y, m, 1)) + 1;
	/* The remainders tell the compiler how long it gets. */
	snprintf(ret, 32, "%04u-%02u-%02uT%02u:%02u:%02uZ", y % 10000, m % 100, d % 100,
		 sec / 3600 % 100, sec / 60 % 60, sec % 60);
}
