// SPDX-License-Identifier: Apache-2.0
/*
 * Nessus, version 2: NessusClientData_v2/Report/ReportHost, with HostProperties first, and then a ReportItem for each plugin that has
 * something to say on a port.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xml.h"

struct nessus {
	struct sut_scan *s;
	struct xml *x;
	struct scan_machine m;
	struct scan_found f;
	char tag[64]; /* name of the property that is being read */
	bool in_host, host_given, in_item;
	uint64_t nhosts;
};

static const char *attr(const char **attrs, const char *name)
{
	const char *s = xml_attr(attrs, name);

	return s ? s : "";
}

static int give_host(struct nessus *n, struct sut_err *err)
{
	if (n->host_given)
		return 0;
	n->host_given = true;
	return scan_machine_known(&n->m) ? scan_give_host(n->s, &n->m, err)
					 : scan_give_default_host(n->s, &n->m, err);
}

static int begin_host(struct nessus *n, const char **attrs, struct sut_err *err)
{
	const char *name = attr(attrs, "name");

	scan_machine_clear(&n->m);
	n->in_host = true;
	n->host_given = false;
	n->nhosts++;
	/* What it was scanned as: an address, or a name. */
	scan_machine_name(&n->m, name);
	return scan_machine_address(&n->m, name, err);
}

static int begin_item(struct nessus *n, const char **attrs, struct sut_err *err)
{
	static const enum sut_scan_severity severities[] = {
		SUT_SCAN_SEVERITY_NONE, SUT_SCAN_SEVERITY_LOW,	    SUT_SCAN_SEVERITY_MEDIUM,
		SUT_SCAN_SEVERITY_HIGH, SUT_SCAN_SEVERITY_CRITICAL,
	};
	const char *id = attr(attrs, "pluginID"), *name = attr(attrs, "pluginName");
	const char *severity = attr(attrs, "severity");

	scan_found_clear(&n->f);
	scan_text(n->f.id, sizeof(n->f.id), id, strlen(id));
	scan_text(n->f.title, sizeof(n->f.title), name, strlen(name));
	if (severity[0] >= '0' && severity[0] <= '4' && !severity[1])
		n->f.severity = severities[severity[0] - '0'];
	n->in_item = true;
	return give_host(n, err);
}

static int start(void *ctx, struct xml *x, const char *name, const char **attrs,
		 struct sut_err *err)
{
	struct nessus *n = ctx;

	if (xml_depth(x) == 1 && strcmp(name, "NessusClientData_v2") != 0)
		return xml_bad(x, err,
			       "this is not a Nessus file of version 2, whose first element is "
			       "NessusClientData_v2: export it as that");
	if (n->in_item) {
		if (!strcmp(name, "cve") || !strcmp(name, "plugin_output"))
			xml_want_text(x);
		return 0;
	}
	if (!strcmp(name, "ReportHost") && !n->in_host)
		return begin_host(n, attrs, err);
	if (!n->in_host)
		return 0;
	if (!strcmp(name, "ReportItem"))
		return begin_item(n, attrs, err);
	if (!strcmp(name, "tag")) {
		const char *tag = attr(attrs, "name");

		scan_text(n->tag, sizeof(n->tag), tag, strlen(tag));
		xml_want_text(x);
	}
	return 0;
}

static int take_tag(struct nessus *n, const char *text, struct sut_err *err)
{
	if (!strcmp(n->tag, "host-ip") || !strcmp(n->tag, "host_ip"))
		return scan_machine_each(&n->m, text, scan_machine_address, err);
	if (!strcmp(n->tag, "mac-address"))
		return scan_machine_each(&n->m, text, scan_machine_mac, err);
	if (!strcmp(n->tag, "host-fqdn") || !strcmp(n->tag, "hostname") ||
	    !strcmp(n->tag, "netbios-name")) {
		scan_machine_name(&n->m, text);
	} else if (!strcmp(n->tag, "operating-system") && !n->m.os[0]) {
		scan_text(n->m.os, sizeof(n->m.os), text, strlen(text));
		scan_machine_kernel(&n->m, text);
	} else if (!strcmp(n->tag, "HOST_END_TIMESTAMP") ||
		   (!strcmp(n->tag, "HOST_END") && !n->m.scanned_at)) {
		n->m.scanned_at = scan_time(text);
	}
	return 0;
}

/* The word behind one of the labels, which ends with " : ". */
static const char *behind(const char *text, const char *const labels[], size_t *ret_len)
{
	for (; *labels; labels++) {
		const char *s = strstr(text, *labels);

		if (!s)
			continue;
		s += strlen(*labels);
		s += strspn(s, " ");
		if (*s != ':')
			continue;
		s += 1 + strspn(s + 1, " ");
		*ret_len = strcspn(s, " ");
		return *ret_len ? s : NULL;
	}
	return NULL;
}

/* Debian and Ubuntu: NAME_VERSION; rpm: NAME-VERSION-RELEASE, and a release may be "284.el9_2" */
static void divide(const char *s, size_t len, char *name, char *version)
{
	const char *at = memchr(s, '_', len);

	if (!at || memmem(s, (size_t)(at - s), ".el", 3)) {
		at = memrchr(s, '-', len);
		if (at)
			at = memrchr(s, '-', (size_t)(at - s));
	}
	if (!at)
		return;
	if (name)
		scan_text(name, SUT_SCAN_ID_MAX + 1, s, (size_t)(at - s));
	scan_text(version, SUT_SCAN_ID_MAX + 1, at + 1, len - (size_t)(at + 1 - s));
}

/* What local checks print of the first package. */
static void take_output(struct nessus *n, const char *text)
{
	static const char *const installed[] = {"Remote package installed", "Installed package",
						NULL};
	static const char *const fixed[] = {"Should be", "Fixed package", NULL};
	size_t len;
	const char *s = behind(text, installed, &len);

	if (!s || n->f.package[0])
		return;
	divide(s, len, n->f.package, n->f.version);
	s = behind(text, fixed, &len);
	if (s)
		divide(s, len, NULL, n->f.fixed);
}

static int end(void *ctx, struct xml *x _unused_, const char *name, const char *text,
	       struct sut_err *err)
{
	struct nessus *n = ctx;
	int r;

	if (n->in_item) {
		if (!strcmp(name, "cve"))
			return scan_found_cves(&n->f, text, err);
		if (!strcmp(name, "plugin_output"))
			take_output(n, text);
		if (strcmp(name, "ReportItem") != 0)
			return 0;
		n->in_item = false;
		/* What a plugin says for information is no hole. */
		if (!n->f.ncves && n->f.severity <= SUT_SCAN_SEVERITY_NONE)
			return 0;
		return scan_give(n->s, &n->f, err);
	}
	if (!n->in_host)
		return 0;
	if (!strcmp(name, "tag"))
		return take_tag(n, text, err);
	if (strcmp(name, "ReportHost") != 0)
		return 0;
	n->in_host = false;
	r = give_host(n, err);
	return r < 0 ? r : scan_give_host_end(n->s, err);
}

static const struct xml_reader elements = {start, end};

static void destroy(void *ctx)
{
	struct nessus *n = ctx;

	xml_free(n->x);
	scan_found_release(&n->f);
	scan_machine_clear(&n->m);
	free(n);
}

static void *create(struct sut_scan *s)
{
	struct nessus *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->s = s;
	memcpy(scan_summary(s)->tool, "Nessus", sizeof("Nessus"));
	if (xml_create(&elements, n, &n->x) < 0) {
		destroy(n);
		return NULL;
	}
	return n;
}

static int feed(void *ctx, const char *bytes, size_t len, struct sut_err *err)
{
	struct nessus *n = ctx;

	return xml_feed(n->x, bytes, len, err);
}

static int finish(void *ctx, struct sut_err *err)
{
	struct nessus *n = ctx;
	int r = xml_finish(n->x, err);

	if (r == 0 && !n->nhosts)
		return scan_bad(err, "holds no host: the scan reached none, or this is a policy "
				     "without a report");
	return r;
}

const struct scan_reader scan_reader_nessus = {create, feed, finish, destroy};
