// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "internal.h"

void scan_machine_clear(struct scan_machine *m)
{
	sut_strv_release(&m->addresses);
	sut_strv_release(&m->macs);
	*m = (struct scan_machine){0};
}

static int add(struct sut_strv *l, const char *s, struct sut_err *err)
{
	if (l->n >= SUT_SCAN_LIST_MAX || sut_strv_has(l, s))
		return 0;
	return sut_strv_add(l, s) < 0 ? sut_err_oom(err) : 0;
}

int scan_machine_address(struct scan_machine *m, const char *text, struct sut_err *err)
{
	char word[INET6_ADDRSTRLEN], normal[INET6_ADDRSTRLEN];
	size_t n = strcspn(text, "/% ");
	struct in6_addr six;
	struct in_addr four;

	if (n >= sizeof(word))
		return 0;
	memcpy(word, text, n);
	word[n] = 0;
	if (inet_pton(AF_INET, word, &four) == 1) {
		uint32_t a = ntohl(four.s_addr);

		/* Of loopback, link and "any": they are on every machine. */
		if (a >> 24 == 127 || a >> 16 == 0xa9fe || a == 0)
			return 0;
		inet_ntop(AF_INET, &four, normal, sizeof(normal));
		return add(&m->addresses, normal, err);
	}
	if (inet_pton(AF_INET6, word, &six) != 1 || IN6_IS_ADDR_LOOPBACK(&six) ||
	    IN6_IS_ADDR_LINKLOCAL(&six) || IN6_IS_ADDR_UNSPECIFIED(&six))
		return 0;
	inet_ntop(AF_INET6, &six, normal, sizeof(normal));
	return add(&m->addresses, normal, err);
}

int scan_machine_mac(struct scan_machine *m, const char *text, struct sut_err *err)
{
	unsigned char b[6];
	char normal[18];
	size_t n = 0;

	for (const char *s = text; *s; s++) {
		if ((*s == ':' || *s == '-') && n % 2 == 0 && n)
			continue;
		if (!isxdigit((unsigned char)*s) || n == 12)
			return 0;
		normal[n++] = (char)tolower((unsigned char)*s);
	}
	normal[n] = 0;
	if (n != 12 || sut_unhex(normal, b, sizeof(b)) < 0 || !memcmp(b, "\0\0\0\0\0\0", 6) ||
	    !memcmp(b, "\xff\xff\xff\xff\xff\xff", 6))
		return 0;
	snprintf(normal, sizeof(normal), "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3],
		 b[4], b[5]);
	return add(&m->macs, normal, err);
}

int scan_machine_each(struct scan_machine *m, const char *text, scan_machine_take *take,
		      struct sut_err *err)
{
	while (*text) {
		char word[64];
		size_t n = strcspn(text, " ,;\n\r\t");
		int r = 0;

		if (n && n < sizeof(word)) {
			scan_text(word, sizeof(word), text, n);
			r = take(m, word, err);
		}
		if (r < 0)
			return r;
		text += n ? n : 1;
	}
	return 0;
}

void scan_machine_name(struct scan_machine *m, const char *text)
{
	char name[SUT_SCAN_ID_MAX + 1];
	struct in6_addr any;
	size_t n;

	scan_text(name, sizeof(name), text, strlen(text));
	n = strlen(name);
	while (n && name[n - 1] == '.')
		name[--n] = 0;
	for (char *s = name; *s; s++)
		*s = (char)tolower((unsigned char)*s);
	if (!sut_is_token(name, SUT_SCAN_ID_MAX, "-._") || name[0] == '.' || name[0] == '-' ||
	    sut_streq(name, "localhost") || sut_startswith(name, "localhost.") ||
	    inet_pton(AF_INET, name, &any) == 1)
		return;
	if (strchr(name, '.') && !m->fqdn[0])
		memcpy(m->fqdn, name, n + 1);
	if (!m->hostname[0]) {
		n = strcspn(name, ".");
		memcpy(m->hostname, name, n);
		m->hostname[n] = 0;
	}
}

void scan_machine_kernel(struct scan_machine *m, const char *text)
{
	const char *s = strcasestr(text, "linux kernel ");
	size_t n;

	if (!s || m->kernel[0])
		return;
	s += strlen("linux kernel ");
	n = strspn(s, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_+~");
	/* "Linux Kernel 5.4" is a guess of a scanner, not a release. */
	if (isdigit((unsigned char)*s) && n <= 64 && memchr(s, '-', n))
		scan_text(m->kernel, sizeof(m->kernel), s, n);
}

bool scan_machine_known(const struct scan_machine *m)
{
	return m->system_id[0] || m->machine_id[0] || m->fqdn[0] || m->hostname[0] ||
	       m->addresses.n || m->macs.n;
}

static void copy(char out[SUT_SCAN_ID_MAX + 1], const char *s)
{
	if (s)
		scan_text(out, SUT_SCAN_ID_MAX + 1, s, strlen(s));
}

int scan_machine_copy(struct scan_machine *m, const struct sut_scan_host *h, struct sut_err *err)
{
	int r = 0;

	copy(m->system_id, h->system_id);
	copy(m->machine_id, h->machine_id);
	copy(m->fqdn, h->fqdn);
	copy(m->hostname, h->hostname);
	copy(m->os, h->os);
	copy(m->kernel, h->kernel);
	m->scanned_at = h->scanned_at;
	for (size_t i = 0; r == 0 && i < h->naddresses; i++)
		r = scan_machine_address(m, h->addresses[i], err);
	for (size_t i = 0; r == 0 && i < h->nmacs; i++)
		r = scan_machine_mac(m, h->macs[i], err);
	return r;
}
