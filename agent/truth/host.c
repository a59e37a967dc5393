// SPDX-License-Identifier: Apache-2.0
/* The system around the kernel: distribution, and the package that the running kernel is from. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "common/paths.h"
#include "internal.h"
#include "truth.h"

enum {
	RELEASE_FILE_MAX = 64 << 10,
	STATUS_FILE_MAX = 64 << 20, /* dpkg's; that of a large desktop has 6 MiB */
};

void truth_word(char ret[TRUTH_WORD_MAX], const void *text, size_t len)
{
	const unsigned char *p = text;

	ret[0] = 0;
	if (!len || len >= TRUTH_WORD_MAX)
		return;
	for (size_t i = 0; i < len; i++)
		if (!isgraph(p[i]) || p[i] >= 0x80 || strchr("\"'\\`$<>", p[i]))
			return;
	memcpy(ret, text, len);
	ret[len] = 0;
}

/* The line that begins at *p, without its end; *p moves to the next one. false: there is none. */
static bool next_line(const char **p, const char *end, const char **ret, size_t *ret_len)
{
	const char *nl;

	if (*p >= end)
		return false;
	nl = memchr(*p, '\n', (size_t)(end - *p));
	*ret = *p;
	*ret_len = (size_t)((nl ? nl : end) - *p);
	*p = nl ? nl + 1 : end;
	return true;
}

/* The value of "key=value" or "key: value", without space and quotes around it. */
static bool value_of(const char *line, size_t len, const char *key, const char **ret,
		     size_t *ret_len)
{
	size_t n = strlen(key);

	if (len < n || memcmp(line, key, n))
		return false;
	line += n;
	len -= n;
	while (len && strchr(" \t\r", line[len - 1]) && line[len - 1])
		len--;
	while (len && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	if (len >= 2 && (*line == '"' || *line == '\'') && line[len - 1] == *line) {
		line++;
		len -= 2;
	}
	*ret = line;
	*ret_len = len;
	return true;
}

void truth_os_release(const void *text, size_t len, struct truth_host *h)
{
	const char *p = text, *end = p + len, *line, *v;
	size_t n, vn;

	while (next_line(&p, end, &line, &n)) {
		if (value_of(line, n, "ID=", &v, &vn))
			truth_word(h->os, v, vn);
		else if (value_of(line, n, "VERSION_ID=", &v, &vn))
			truth_word(h->os_version, v, vn);
	}
}

int truth_dpkg(const void *text, size_t len, const char *package, char ret_version[TRUTH_WORD_MAX],
	       char ret_arch[TRUTH_WORD_MAX])
{
	const char *p = text, *end = p + len, *line, *v;
	char version[TRUTH_WORD_MAX] = "", arch[TRUTH_WORD_MAX] = "";
	bool ours = false, installed = false;
	size_t n, vn;

	while (next_line(&p, end, &line, &n)) {
		if (!n && ours)
			break;
		if (value_of(line, n, "Package:", &v, &vn))
			ours = vn == strlen(package) && !memcmp(v, package, vn);
		else if (!ours)
			continue;
		else if (value_of(line, n, "Status:", &v, &vn))
			installed = vn >= 10 && !memcmp(v + vn - 10, " installed", 10);
		else if (value_of(line, n, "Version:", &v, &vn))
			truth_word(version, v, vn);
		else if (value_of(line, n, "Architecture:", &v, &vn))
			truth_word(arch, v, vn);
	}
	if (!ours || !installed || !*version || !*arch)
		return -ENOENT;
	memcpy(ret_version, version, sizeof(version));
	memcpy(ret_arch, arch, sizeof(arch));
	return 0;
}

/* 0: it is in *b; -ENOENT: it is not there, or not readable; -ENOMEM. */
static int slurp(const char *root, const char *path, struct sut_buf *b)
{
	struct agent_path p = agent_path(root, path);
	int r = sut_file_read(p.s, b, NULL);

	return r == -ENOMEM ? r : r < 0 ? -ENOENT : 0;
}

static int read_os(const char *root, struct truth_host *h)
{
	static const char *const places[] = {"/etc/os-release", "/usr/lib/os-release"};
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(RELEASE_FILE_MAX),
				     point = SUT_BUF_INIT(RELEASE_FILE_MAX);
	int r = -ENOENT;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(places) && r == -ENOENT; i++)
		r = slurp(root, places[i], &b);
	if (r == -ENOMEM)
		return r;
	truth_os_release(b.data ? (const char *)b.data : "", b.len, h);
	if (!sut_streq(h->os, "debian"))
		return 0;
	r = slurp(root, "/etc/debian_version", &point);
	if (!r) {
		size_t n = strcspn(sut_buf_str(&point), "\r\n");

		/* "trixie/sid" is no point release */
		if (strspn(sut_buf_str(&point), "0123456789.") == n)
			truth_word(h->os_point, point.data, n);
	}
	return r == -ENOMEM ? r : 0;
}

/* Debian's kernels say the version of their package: "#1 SMP PREEMPT_DYNAMIC Debian 6.1.170-3 (2026-11-01)". */
static int version_of_banner(const char *root, struct truth_host *h)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(RELEASE_FILE_MAX);
	const char *at;
	int r = slurp(root, "/proc/version", &b);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (const char *p = sut_buf_str(&b); (at = strstr(p, " Debian ")); p = at + 1) {
		const char *v = at + sizeof(" Debian ") - 1;
		size_t n = strcspn(v, " )\n");

		if (isdigit((unsigned char)*v) && strchr(v, '(') == v + n + 1)
			truth_word(h->package_version, v, n);
	}
	return 0;
}

static int find_deb(const char *root, const char *release, struct truth_host *h)
{
	static const char *const forms[] = {"linux-image-%s", "linux-image-%s-unsigned",
					    "linux-image-unsigned-%s"};
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(STATUS_FILE_MAX);
	int r;

	r = slurp(root, "/var/lib/dpkg/status", &b);
	if (r < 0)
		return r;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(forms); i++) {
		char name[TRUTH_WORD_MAX];
		int n;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		n = snprintf(name, sizeof(name), forms[i], release);
#pragma GCC diagnostic pop
		if (n >= (int)sizeof(name))
			continue;
		r = truth_dpkg(b.data, b.len, name, h->installed, h->package_arch);
		if (!r) {
			memcpy(h->package, name, sizeof(name));
			memcpy(h->type, "deb", sizeof("deb"));
			return 0;
		}
	}
	return -ENOENT;
}

/* On Red Hat's and its relatives "uname -r" is version, release and architecture of the package. */
static void find_rpm(const char *release, const char *arch, struct truth_host *h)
{
	static const char *const like[] = {"rhel", "centos", "fedora", "almalinux", "rocky", "ol"};
	char tail[TRUTH_WORD_MAX + 1];
	bool ours = false;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(like); i++)
		ours = ours || sut_streq(h->os, like[i]);
	snprintf(tail, sizeof(tail), ".%s", arch);
	if (!ours || !*arch || !sut_endswith(release, tail) || strlen(release) == strlen(tail))
		return;
	truth_word(h->installed, release, strlen(release) - strlen(tail));
	if (!*h->installed)
		return;
	truth_word(h->package_arch, arch, strlen(arch));
	memcpy(h->type, "rpm", sizeof("rpm"));
	snprintf(h->package, sizeof(h->package), "%s",
		 strtol(h->os_version, NULL, 10) == 7 ? "kernel" : "kernel-core");
	if (!*h->package_version)
		memcpy(h->package_version, h->installed, sizeof(h->installed));
}

int truth_host_read(const char *root, const json_t *state, struct truth_host *ret,
		    struct sut_err *err)
{
	const json_t *kernel = json_object_get(state, "kernel");
	const char *version = json_string_value(json_object_get(kernel, "package_version")),
		   *release = json_string_value(json_object_get(kernel, "release")),
		   *arch = json_string_value(json_object_get(kernel, "arch"));
	char name[TRUTH_WORD_MAX], machine[TRUTH_WORD_MAX];
	struct truth_host h = {0};
	int r;

	truth_word(name, release ? release : "", release ? strlen(release) : 0);
	truth_word(machine, arch ? arch : "", arch ? strlen(arch) : 0);
	if (version)
		truth_word(h.package_version, version, strlen(version));
	r = read_os(root, &h);
	if (!r && !*h.package_version)
		r = version_of_banner(root, &h);
	if (!r && *name)
		r = find_deb(root, name, &h);
	if (r == -ENOENT && *name)
		find_rpm(name, machine, &h);
	if (r == -ENOMEM)
		return sut_err_oom(err);
	*ret = h;
	return 0;
}
