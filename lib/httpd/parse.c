// SPDX-License-Identifier: Apache-2.0
#include "httpd/parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/str.h"
#include "httpd/httpd.h"

bool httpd_is_token(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = s[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      (c && strchr("!#$%&'*+-.^_`|~", c))))
			return false;
	}
	return len > 0;
}

/* Past "http://host:port" of the absolute form; s itself without it. */
static char *skip_authority(char *s)
{
	char *p = !strncasecmp(s, "http://", 7)	   ? s + 7
		  : !strncasecmp(s, "https://", 8) ? s + 8
						   : NULL;

	return p ? p + strcspn(p, "/?") : s;
}

int httpd_split_target(char *target, char **ret_path, char **ret_query)
{
	static char slash[] = "/";
	char *path, *query;

	for (const char *p = target; *p; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("\"<>\\^`{|}#", *p))
			return -EBADMSG;
	path = skip_authority(target);
	if (path == target && *path != '/' && strcmp(path, "*") != 0)
		return -EBADMSG;
	query = strchr(path, '?');
	if (query)
		*query++ = 0;
	*ret_path = *path ? path : slash; /* "http://host" means its root */
	*ret_query = query ? query : path + strlen(path);
	return 0;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* In place; -EBADMSG when it is malformed or holds a NUL. */
static int unquote(char *s, size_t len, bool plus_is_space)
{
	char *out = s;

	for (size_t i = 0; i < len; i++) {
		int c = (unsigned char)s[i];

		if (c == '%') {
			int hi = len - i > 2 ? hex_digit(s[i + 1]) : -1;
			int lo = len - i > 2 ? hex_digit(s[i + 2]) : -1;

			if (hi < 0 || lo < 0)
				return -EBADMSG;
			c = hi * 16 + lo;
			i += 2;
		} else if (c == '+' && plus_is_space) {
			c = ' ';
		}
		if (!c)
			return -EBADMSG;
		*out++ = (char)c;
	}
	*out = 0;
	return 0;
}

char *sut_httpd_unquote(const char *s, size_t len)
{
	char *copy = strndup(s, len);

	/* A NUL in s itself ends the copy early. */
	if (copy && (strlen(copy) != len || unquote(copy, len, false) < 0)) {
		free(copy);
		return NULL;
	}
	return copy;
}

int httpd_parse_query(char *query, struct httpd_arg *args, size_t max)
{
	size_t n = 0;
	char *part;

	while ((part = strsep(&query, "&"))) {
		char *value = strchr(part, '=');

		if (!*part)
			continue;
		if (n == max)
			return -E2BIG;
		if (value)
			*value++ = 0;
		if (unquote(part, strlen(part), true) < 0 ||
		    (value && unquote(value, strlen(value), true) < 0))
			return -EBADMSG;
		args[n++] = (struct httpd_arg){part, value ? value : ""};
	}
	return (int)n;
}

/* Decimal digits; what does not fit is UINT64_MAX. False without a digit. */
static bool take_number(const char **s, uint64_t *ret)
{
	uint64_t v = 0;
	const char *p = *s;

	for (; *p >= '0' && *p <= '9'; p++) {
		uint64_t digit = (uint64_t)(*p - '0');

		v = v > (UINT64_MAX - digit) / 10 ? UINT64_MAX : v * 10 + digit;
	}
	if (p == *s)
		return false;
	*s = p;
	*ret = v;
	return true;
}

enum httpd_range httpd_parse_range(const char *s, uint64_t size, uint64_t *ret_from,
				   uint64_t *ret_len)
{
	uint64_t from = 0, last = UINT64_MAX;
	bool has_from, has_last;

	if (strncasecmp(s, "bytes=", 6) || !size)
		return HTTPD_RANGE_ALL;
	s += 6;
	s += strspn(s, " \t");
	has_from = take_number(&s, &from);
	if (*s++ != '-')
		return HTTPD_RANGE_ALL;
	has_last = take_number(&s, &last);
	s += strspn(s, " \t");
	if (*s || (!has_from && !has_last))
		return HTTPD_RANGE_ALL;
	if (!has_from) {
		/* The last so many bytes. */
		if (!last)
			return HTTPD_RANGE_BEYOND;
		from = last < size ? size - last : 0;
		last = size - 1;
	} else if (has_last && last < from) {
		return HTTPD_RANGE_ALL;
	}
	if (from >= size)
		return HTTPD_RANGE_BEYOND;
	if (last >= size)
		last = size - 1;
	*ret_from = from;
	*ret_len = last - from + 1;
	return HTTPD_RANGE_PART;
}

/* One entry: "192.0.2.1", "192.0.2.1:8080", "2001:db8::1", "[2001:db8::1]:8080". Written the same way
 * whatever it looked like; mapped IPv4 addresses as IPv4. */
static bool take_address(const char *s, size_t len, char ret[HTTPD_ADDRESS])
{
	char copy[64];
	struct in6_addr six;
	struct in_addr four;
	char *end;

	while (len && strchr(" \t", s[len - 1]))
		len--;
	while (len && strchr(" \t", *s)) {
		s++;
		len--;
	}
	if (!len || len >= sizeof(copy))
		return false;
	memcpy(copy, s, len);
	copy[len] = 0;
	s = copy;
	if (*s == '[') {
		end = strchr(s, ']');
		if (!end || (end[1] && end[1] != ':'))
			return false;
		*end = 0;
		s++;
	} else if ((end = strchr(copy, ':')) && !strchr(end + 1, ':')) {
		*end = 0;
	}
	if (inet_pton(AF_INET, s, &four) == 1)
		return inet_ntop(AF_INET, &four, ret, HTTPD_ADDRESS);
	if (inet_pton(AF_INET6, s, &six) != 1)
		return false;
	if (IN6_IS_ADDR_V4MAPPED(&six))
		return inet_ntop(AF_INET, &six.s6_addr[12], ret, HTTPD_ADDRESS);
	return inet_ntop(AF_INET6, &six, ret, HTTPD_ADDRESS);
}

int httpd_forwarded_for(const char *list, const struct sut_cidr *proxies, size_t n,
			char ret[HTTPD_ADDRESS])
{
	const char *end = list + strlen(list);
	bool found = false;

	for (;;) {
		const char *begin = end;
		char address[HTTPD_ADDRESS];

		while (begin > list && begin[-1] != ',')
			begin--;
		if (!take_address(begin, (size_t)(end - begin), address))
			break; /* whatever is left of it, nobody vouches for */
		memcpy(ret, address, sizeof(address));
		found = true;
		if (begin == list || !sut_cidr_any(proxies, (unsigned int)n, address))
			break;
		end = begin - 1;
	}
	return found ? 0 : -EINVAL;
}

bool httpd_forwarded_https(const char *list)
{
	const char *last = strrchr(list, ',');
	size_t n;

	last = last ? last + 1 : list;
	last += strspn(last, " \t");
	n = strcspn(last, " \t");
	return n == 5 && !strncasecmp(last, "https", 5);
}

bool httpd_etag_listed(const char *list, const char *etag)
{
	size_t want = strlen(etag);

	for (const char *p = list;;) {
		size_t n;

		p += strspn(p, " \t,");
		if (*p == '*')
			return true;
		if (p[0] == 'W' && p[1] == '/')
			p += 2;
		if (*p != '"')
			return false;
		n = strcspn(p + 1, "\"");
		if (!p[1 + n])
			return false;
		n += 2;
		if (n == want && !memcmp(p, etag, n))
			return true;
		p += n;
	}
}

bool httpd_takes_gzip(const char *list)
{
	for (const char *p = list; *p; p += *p == ',') {
		size_t n = strcspn(p, ","), name;
		const char *q;

		while (n && strchr(" \t", *p)) {
			p++;
			n--;
		}
		name = strcspn(p, ",; \t");
		q = memmem(p, n, "q=", 2);
		if ((name == 4 && !strncasecmp(p, "gzip", 4)) || (name == 1 && *p == '*'))
			/* "q=0", "q=0.000": not that one */
			return !q || strspn(q + 2, "0.") != strcspn(q + 2, ", \t");
		p += n;
	}
	return false;
}

static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
				   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

void httpd_format_date(int64_t seconds, char ret[HTTPD_DATE])
{
	time_t t = (time_t)seconds;
	struct tm tm = {0};

	gmtime_r(&t, &tm);
	snprintf(ret, HTTPD_DATE, "%s, %02u %s %04u %02u:%02u:%02u GMT", days[tm.tm_wday % 7],
		 (unsigned int)tm.tm_mday % 100, months[tm.tm_mon % 12],
		 (unsigned int)(tm.tm_year + 1900) % 10000, (unsigned int)tm.tm_hour % 100,
		 (unsigned int)tm.tm_min % 100, (unsigned int)tm.tm_sec % 100);
}

int httpd_parse_date(const char *s, int64_t *ret)
{
	static const char form[] = "Www, 00 Mmm 0000 00:00:00 GMT";
	struct tm tm = {0};
	char again[HTTPD_DATE];
	int64_t t;

	/* Only the one form that we and everybody else write. */
	if (strlen(s) != sizeof(form) - 1)
		return -EINVAL;
	for (size_t i = 0; form[i]; i++)
		if (form[i] == '0' && (s[i] < '0' || s[i] > '9'))
			return -EINVAL;
	tm.tm_mday = (s[5] - '0') * 10 + s[6] - '0';
	tm.tm_year = (s[12] - '0') * 1000 + (s[13] - '0') * 100 + (s[14] - '0') * 10 + s[15] - '0' -
		     1900;
	tm.tm_hour = (s[17] - '0') * 10 + s[18] - '0';
	tm.tm_min = (s[20] - '0') * 10 + s[21] - '0';
	tm.tm_sec = (s[23] - '0') * 10 + s[24] - '0';
	for (tm.tm_mon = 0; tm.tm_mon < 12; tm.tm_mon++)
		if (!memcmp(s + 8, months[tm.tm_mon], 3))
			break;
	if (tm.tm_mon == 12)
		return -EINVAL;
	t = (int64_t)timegm(&tm);
	httpd_format_date(t, again); /* the weekday, the 31st of April, all else */
	if (strcmp(s, again) != 0)
		return -EINVAL;
	*ret = t;
	return 0;
}

bool httpd_path_is_plain(const char *path)
{
	for (const char *p = path;; p++) {
		size_t n = strcspn(p, "/");

		if (!n || (n == 1 && *p == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		for (size_t i = 0; i < n; i++)
			if ((unsigned char)p[i] < ' ' || p[i] == 0x7f)
				return false;
		p += n;
		if (!*p)
			return true;
	}
}
