// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <time.h>

#include "base/utf8.h"
#include "internal.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void scan_text(char *out, size_t size, const char *s, size_t len)
{
	size_t n = 0;

	while (len && is_space(*s)) {
		s++;
		len--;
	}
	while (len && is_space(s[len - 1]))
		len--;
	/* Whatever is cut off cannot make what is left longer. */
	for (size_t i = 0; i < len && n < size - 1; i++) {
		if (is_space(s[i])) {
			if (n && out[n - 1] != ' ')
				out[n++] = ' ';
		} else {
			out[n++] = s[i] ? s[i] : '?';
		}
	}
	if (n == size - 1) { /* not in the middle of a character */
		while (n && ((uint8_t)out[n - 1] & 0xc0) == 0x80)
			n--;
		if (n && (uint8_t)out[n - 1] >= 0xc0)
			n--;
	}
	out[n] = 0;
	sut_make_printable(out, "");
}

enum sut_scan_severity scan_severity(const char *text)
{
	static const struct {
		const char *name;
		enum sut_scan_severity severity;
	} names[] = {
		{"critical", SUT_SCAN_SEVERITY_CRITICAL},  {"important", SUT_SCAN_SEVERITY_HIGH},
		{"high", SUT_SCAN_SEVERITY_HIGH},	   {"moderate", SUT_SCAN_SEVERITY_MEDIUM},
		{"medium", SUT_SCAN_SEVERITY_MEDIUM},	   {"low", SUT_SCAN_SEVERITY_LOW},
		{"negligible", SUT_SCAN_SEVERITY_NONE},	   {"unimportant", SUT_SCAN_SEVERITY_NONE},
		{"none", SUT_SCAN_SEVERITY_NONE},	   {"info", SUT_SCAN_SEVERITY_NONE},
		{"informational", SUT_SCAN_SEVERITY_NONE},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(names); i++)
		if (!strcasecmp(text, names[i].name))
			return names[i].severity;
	return SUT_SCAN_SEVERITY_UNKNOWN;
}

const char *sut_scan_severity_name(enum sut_scan_severity s)
{
	static const char *const names[] = {"unknown", "none", "low", "medium", "high", "critical"};

	return (size_t)s < SUT_ARRAY_SIZE(names) ? names[s] : names[0];
}

/* Two digits after sign: of "+02:00" and "+0200" */
static int64_t zone(const char *s)
{
	int h, m;

	if ((*s != '+' && *s != '-') ||
	    (sscanf(s + 1, "%2d:%2d", &h, &m) != 2 && sscanf(s + 1, "%2d%2d", &h, &m) != 2))
		return 0;
	return (*s == '-' ? -1 : 1) * (h * 3600 + m * 60);
}

int64_t scan_time(const char *text)
{
	struct tm tm = {0};
	const char *end;
	uint64_t n;
	int64_t t;

	if (*text >= '0' && *text <= '9' && sut_parse_u64(text, UINT32_MAX, &n) == 0)
		return (int64_t)n;
	end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!end) {
		tm = (struct tm){0};
		end = strptime(text, "%Y-%m-%d %H:%M:%S", &tm);
	}
	if (!end) {
		tm = (struct tm){0};
		end = strptime(text, "%a %b %d %H:%M:%S %Y", &tm);
	}
	if (!end)
		return 0;
	if (*end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	t = timegm(&tm) - zone(end);
	return t > 0 ? t : 0;
}
