// SPDX-License-Identifier: Apache-2.0
/* Times as manifests and results write them: RFC 3339 in UTC, whole seconds. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "job/manifest.h"

/* 0001-01-01 to 9999-12-31: what four digits can write. */
#define FIRST INT64_C(-62135596800)
#define LAST INT64_C(253402300799)

void sut_job_time(int64_t t, char ret[static 32])
{
	time_t s = t < FIRST ? FIRST : t > LAST ? LAST : t;
	struct tm tm = {0};

	gmtime_r(&s, &tm);
	/* The remainders tell the compiler how long it gets. */
	snprintf(ret, 32, "%04u-%02u-%02uT%02u:%02u:%02uZ",
		 (unsigned int)(tm.tm_year + 1900) % 10000, (unsigned int)(tm.tm_mon + 1) % 100,
		 (unsigned int)tm.tm_mday % 100, (unsigned int)tm.tm_hour % 100,
		 (unsigned int)tm.tm_min % 100, (unsigned int)tm.tm_sec % 100);
}

int sut_job_time_parse(const char *s, int64_t *ret)
{
	static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
	char back[32];
	struct tm tm = {0};
	int v[6] = {0};
	int64_t t;

	for (size_t i = 0, n = 0; i < sizeof(form); i++) {
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
	tm = (struct tm){.tm_year = v[0] - 1900,
			 .tm_mon = v[1] - 1,
			 .tm_mday = v[2],
			 .tm_hour = v[3],
			 .tm_min = v[4],
			 .tm_sec = v[5]};
	t = timegm(&tm);
	/* timegm() makes 1 March of 30 February. */
	sut_job_time(t, back);
	if (v[0] < 1 || strcmp(back, s) != 0)
		return -EINVAL;
	*ret = t;
	return 0;
}
