// SPDX-License-Identifier: Apache-2.0
/*
 * OVAL results, alone or in an asset report collection (ARF), and XCCDF results.
 *
 * The definitions come first, with their CVEs: all of them are kept, in short. Then follows for each system which of them are true, and
 * behind that what the system is. XCCDF results (in an ARF before those of OVAL, which they were made from) are kept, too, and
 * count only when no OVAL results follow.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "table.h"
#include "xml.h"

/* One TestResult of XCCDF */
struct result {
	struct result *next;
	struct scan_machine m;
	struct scan_kept *findings, **tail;
};

struct oval {
	struct sut_scan *s;
	struct xml *x;
	struct scan_pool pool;
	struct scan_table definitions;
	struct scan_found f; /* the definition, item or rule that is being read */
	bool in_definition, is_finding, has_definitions;
	unsigned int package_rank; /* how good the package of f is */
	/* the system that is being read */
	bool in_system;
	uint32_t nsystems;
	struct scan_machine m;
	struct scan_kept **true_ones;
	size_t ntrue, true_cap;
	struct scan_table items; /* installed packages, with the version in place of a title */
	/* XCCDF */
	struct result *results, **results_tail, *result; /* result: the one that is being read */
	bool is_cve_ident;
	char fact[64];
	struct scan_machine asset; /* of ai:assets */
	size_t nassets, nresults;
};

static bool above(const struct xml *x, size_t levels, const char *name)
{
	return !strcmp(xml_above(x, levels), name);
}

static const char *attr(const char **attrs, const char *name)
{
	const char *s = xml_attr(attrs, name);

	return s ? s : "";
}

/* ---- definitions ---- */

static void begin_definition(struct oval *o, const char **attrs)
{
	const char *id = attr(attrs, "id"), *class = attr(attrs, "class");

	scan_found_clear(&o->f);
	scan_text(o->f.id, sizeof(o->f.id), id, strlen(id));
	o->in_definition = true;
	/* A true one of the other classes says that something is installed, or as it should be. */
	o->is_finding = !strcmp(class, "vulnerability") || !strcmp(class, "patch");
	o->package_rank = 0;
}

static int end_definition(struct oval *o, struct xml *x, struct sut_err *err)
{
	struct scan_kept *k;
	int r;

	o->in_definition = false;
	if (!o->f.id[0])
		return xml_bad(x, err, "the definition has no id");
	if (!o->is_finding) /* so that its being true means nothing */
		o->f.ncves = 0;
	r = scan_table_add(&o->definitions, &o->pool, &o->f, &k, err);
	if (r == 0 && !o->is_finding)
		k->mark = UINT32_MAX;
	return r;
}

/* "0:6.1.170-3" and "(none):6.1.170-3" are the same as "6.1.170-3", and that is how packages are shown. */
static const char *without_epoch(const char *version)
{
	if (sut_startswith(version, "0:"))
		return version + 2;
	return sut_startswith(version, "(none):") ? version + strlen("(none):") : version;
}

/*
 * What a comment says of a package, as the distributions write it: "NAME is earlier than VERSION", "NAME DPKG is earlier than VERSION",
 * "NAME is <VERSION", "NAME package in RELEASE is affected … (note: 'VERSION')". Of several, the kernel's comes first.
 */
static void take_comment(struct oval *o, const char *s)
{
	char name[SUT_SCAN_ID_MAX + 1], version[SUT_SCAN_ID_MAX + 1] = "";
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-_:");
	const char *rest = s + n, *v;
	unsigned int rank;

	if (!n || n > SUT_SCAN_ID_MAX)
		return;
	if (sut_startswith(rest, " DPKG is earlier than "))
		v = rest + strlen(" DPKG is earlier than ");
	else if (sut_startswith(rest, " is earlier than "))
		v = rest + strlen(" is earlier than ");
	else if (sut_startswith(rest, " is <"))
		v = rest + strlen(" is <");
	else if (sut_startswith(rest, " package in ") && (v = strstr(rest, "(note: '")))
		v += strlen("(note: '");
	else
		return;
	v = without_epoch(v);
	rank = sut_startswith(s, "linux") || sut_startswith(s, "kernel") ? 2 : 1;
	if (rank <= o->package_rank)
		return;
	scan_text(name, sizeof(name), s, n);
	scan_text(version, sizeof(version), v, strcspn(v, " '\")"));
	o->package_rank = rank;
	memcpy(o->f.package, name, sizeof(name));
	memcpy(o->f.fixed, version, sizeof(version));
}

static int start_in_definition(struct oval *o, struct xml *x, const char *name, const char **attrs,
			       struct sut_err *err)
{
	if (!strcmp(name, "title") || !strcmp(name, "severity"))
		xml_want_text(x);
	else if (!strcmp(name, "criterion"))
		take_comment(o, attr(attrs, "comment"));
	else if (!strcmp(name, "reference") && !strcasecmp(attr(attrs, "source"), "CVE"))
		return scan_found_cves(&o->f, attr(attrs, "ref_id"), err);
	return 0;
}

static void end_in_definition(struct oval *o, struct xml *x, const char *name, const char *text)
{
	if (!strcmp(name, "title") && above(x, 1, "metadata"))
		scan_text(o->f.title, sizeof(o->f.title), text, strlen(text));
	else if (!strcmp(name, "severity") && o->f.severity == SUT_SCAN_SEVERITY_UNKNOWN)
		o->f.severity = scan_severity(text);
}

/* ---- a system ---- */

static int take_result(struct oval *o, struct xml *x, const char **attrs, struct sut_err *err)
{
	char id[SUT_SCAN_ID_MAX + 1];
	const char *full = attr(attrs, "definition_id");
	struct scan_kept *k;

	if (strcmp(attr(attrs, "result"), "true") != 0)
		return 0;
	scan_text(id, sizeof(id), full, strlen(full));
	k = scan_table_find(&o->definitions, id);
	if (!k && !o->has_definitions)
		return xml_bad(x, err,
			       "the results come without the definitions, which name the CVEs: run "
			       "oscap oval eval --results again, without a directives file");
	if (!k)
		return xml_bad(
			x, err,
			"%.200s is true, but it is not among the definitions of the file: send "
			"it as oscap wrote it",
			id);
	if (k->mark == UINT32_MAX || k->mark == o->nsystems)
		return 0;
	k->mark = o->nsystems; /* once, however often it was evaluated */
	if (o->ntrue == o->true_cap) {
		size_t cap = o->true_cap ? o->true_cap * 2 : 256;
		void *more;
		int r = scan_pool_count(&o->pool, (cap - o->true_cap) * sizeof(void *), err);

		if (r < 0)
			return r;
		more = reallocarray(o->true_ones, cap, sizeof(void *));
		if (!more)
			return sut_err_oom(err);
		o->true_ones = more;
		o->true_cap = cap;
	}
	o->true_ones[o->ntrue++] = k;
	return 0;
}

static void fill(char *out, const char *from)
{
	if (!*out)
		memcpy(out, from, strlen(from) + 1);
}

/* What another part of the report says of the same host. */
static int merge(struct scan_machine *m, const struct scan_machine *from, struct sut_err *err)
{
	int r = 0;

	fill(m->fqdn, from->fqdn);
	fill(m->hostname, from->hostname);
	fill(m->os, from->os);
	fill(m->kernel, from->kernel);
	if (!m->scanned_at)
		m->scanned_at = from->scanned_at;
	for (size_t i = 0; r == 0 && i < from->addresses.n; i++)
		r = scan_machine_address(m, from->addresses.v[i], err);
	for (size_t i = 0; r == 0 && i < from->macs.n; i++)
		r = scan_machine_mac(m, from->macs.v[i], err);
	return r;
}

static int give_host(struct oval *o, struct scan_machine *m, struct sut_err *err)
{
	int r = 0;

	if (o->nassets == 1)
		r = merge(m, &o->asset, err);
	if (r < 0)
		return r;
	if (!m->scanned_at)
		m->scanned_at = scan_summary(o->s)->scanned_at;
	return scan_machine_known(m) ? scan_give_host(o->s, m, err)
				     : scan_give_default_host(o->s, m, err);
}

/* The version that is installed of the package of a finding; NULL when the scan did not look at it. */
static const char *installed(const struct oval *o, const struct scan_kept *k)
{
	const char *package = k->strings + strlen(k->strings) + 1;
	const struct scan_kept *item;
	char image[sizeof("linux-image-") + SUT_SCAN_ID_MAX];

	package += strlen(package) + 1; /* behind the title */
	if (!*package)
		return NULL;
	item = scan_table_find(&o->items, package);
	if (!item && o->m.kernel[0] && !strcmp(package, "linux")) {
		/* Debian's definitions name the source. */
		snprintf(image, sizeof(image), "linux-image-%s", o->m.kernel);
		item = scan_table_find(&o->items, image);
	}
	return item ? item->strings + strlen(item->strings) + 1 : NULL;
}

static int end_system(struct oval *o, struct sut_err *err)
{
	int r = 0;

	o->in_system = false;
	if (o->nresults == 1)
		r = merge(&o->m, &o->results->m, err);
	if (r == 0)
		r = give_host(o, &o->m, err);
	for (size_t i = 0; r == 0 && i < o->ntrue; i++)
		r = scan_give_kept(o->s, o->true_ones[i], installed(o, o->true_ones[i]), err);
	o->ntrue = 0;
	scan_table_release(&o->items);
	return r < 0 ? r : scan_give_host_end(o->s, err);
}

static void begin_system(struct oval *o)
{
	o->in_system = true;
	o->nsystems++;
	o->ntrue = 0;
	scan_machine_clear(&o->m);
}

static bool is_package_item(const char *name)
{
	return !strcmp(name, "dpkginfo_item") || !strcmp(name, "rpminfo_item");
}

static int start_in_system(struct oval *o, struct xml *x, const char *name, const char **attrs,
			   struct sut_err *err)
{
	if (!strcmp(name, "definition") && above(x, 2, "system"))
		return take_result(o, x, attrs, err);
	if (is_package_item(name))
		scan_found_clear(&o->f);
	else if (is_package_item(xml_above(x, 1)) || above(x, 1, "uname_item") ||
		 above(x, 1, "system_info") || above(x, 1, "interface") ||
		 (!strcmp(name, "timestamp") && above(x, 2, "oval_system_characteristics")))
		xml_want_text(x);
	return 0;
}

static int end_in_system(struct oval *o, struct xml *x, const char *name, const char *text,
			 struct sut_err *err)
{
	struct scan_kept *k;

	if (above(x, 1, "system_info")) {
		if (!strcmp(name, "primary_host_name")) {
			scan_machine_name(&o->m, text);
		} else if (!strcmp(name, "os_name") || !strcmp(name, "os_version")) {
			size_t n = strlen(o->m.os);

			snprintf(o->m.os + n, sizeof(o->m.os) - n, "%s%s", n ? " " : "", text);
			scan_text(o->m.os, sizeof(o->m.os), o->m.os, strlen(o->m.os));
		}
	} else if (above(x, 1, "interface")) {
		if (!strcmp(name, "ip_address"))
			return scan_machine_address(&o->m, text, err);
		if (!strcmp(name, "mac_address"))
			return scan_machine_mac(&o->m, text, err);
	} else if (above(x, 1, "uname_item")) {
		if (!strcmp(name, "os_release"))
			scan_text(o->m.kernel, sizeof(o->m.kernel), text, strlen(text));
		else if (!strcmp(name, "node_name"))
			scan_machine_name(&o->m, text);
	} else if (is_package_item(xml_above(x, 1))) {
		if (!strcmp(name, "name")) {
			scan_text(o->f.id, sizeof(o->f.id), text, strlen(text));
		} else if (!strcmp(name, "evr")) {
			text = without_epoch(text);
			scan_text(o->f.title, sizeof(o->f.title), text,
				  strnlen(text, SUT_SCAN_ID_MAX));
		}
	} else if (is_package_item(name) && o->f.id[0] && o->f.title[0]) {
		return scan_table_add(&o->items, &o->pool, &o->f, &k, err);
	} else if (!strcmp(name, "timestamp") && *text) {
		o->m.scanned_at = scan_time(text);
	}
	return 0;
}

/* ---- XCCDF ---- */

static int begin_result(struct oval *o, const char **attrs, struct sut_err *err)
{
	struct result *t;
	int r = scan_pool_alloc(&o->pool, sizeof(*t), &t, err);

	if (r < 0)
		return r;
	*t = (struct result){.tail = NULL};
	t->tail = &t->findings;
	t->m.scanned_at = scan_time(attr(attrs, "end-time"));
	*o->results_tail = t;
	o->results_tail = &t->next;
	o->result = t;
	o->nresults++;
	return 0;
}

static int start_in_result(struct oval *o, struct xml *x, const char *name, const char **attrs)
{
	if (!strcmp(name, "rule-result")) {
		const char *id = attr(attrs, "idref");

		scan_found_clear(&o->f);
		scan_text(o->f.id, sizeof(o->f.id), id, strlen(id));
		o->f.severity = scan_severity(attr(attrs, "severity"));
		o->is_finding = false;
	} else if (!strcmp(name, "fact")) {
		scan_text(o->fact, sizeof(o->fact), attr(attrs, "name"),
			  strlen(attr(attrs, "name")));
		xml_want_text(x);
	} else if (!strcmp(name, "ident")) {
		o->is_cve_ident = strcasestr(attr(attrs, "system"), "cve") != NULL;
		xml_want_text(x);
	} else if (!strcmp(name, "target") || !strcmp(name, "target-address") ||
		   !strcmp(name, "result")) {
		xml_want_text(x);
	}
	return 0;
}

static int take_fact(struct oval *o, const char *text, struct sut_err *err)
{
	const char *what = strrchr(o->fact, ':');

	what = what ? what + 1 : o->fact;
	if (!strcmp(what, "fqdn") || !strcmp(what, "host_name"))
		scan_machine_name(&o->result->m, text);
	else if (!strcmp(what, "mac"))
		return scan_machine_mac(&o->result->m, text, err);
	else if (!strcmp(what, "ipv4") || !strcmp(what, "ipv6"))
		return scan_machine_address(&o->result->m, text, err);
	return 0;
}

static int end_in_result(struct oval *o, struct xml *x, const char *name, const char *text,
			 struct sut_err *err)
{
	struct scan_kept *k;
	int r;

	if (!strcmp(name, "target")) {
		scan_machine_name(&o->result->m, text);
	} else if (!strcmp(name, "target-address")) {
		return scan_machine_address(&o->result->m, text, err);
	} else if (!strcmp(name, "fact")) {
		return take_fact(o, text, err);
	} else if (!strcmp(name, "result") && above(x, 1, "rule-result")) {
		o->is_finding = !strcmp(text, "fail");
	} else if (!strcmp(name, "ident") && o->is_cve_ident) {
		return scan_found_cve(&o->f, text, strlen(text), err);
	} else if (!strcmp(name, "rule-result") && o->is_finding && o->f.ncves) {
		/* A rule without a CVE is one of configuration, not a hole. */
		r = scan_keep(&o->pool, &o->f, &k, err);
		if (r < 0)
			return r;
		*o->result->tail = k;
		o->result->tail = &k->next;
	}
	return 0;
}

static int give_results(struct oval *o, struct sut_err *err)
{
	int r = 0;

	for (struct result *t = o->results; r == 0 && t; t = t->next) {
		r = o->nresults == 1		? give_host(o, &t->m, err)
		    : scan_machine_known(&t->m) ? scan_give_host(o->s, &t->m, err)
						: scan_give_default_host(o->s, &t->m, err);
		for (const struct scan_kept *k = t->findings; r == 0 && k; k = k->next)
			r = scan_give_kept(o->s, k, NULL, err);
		if (r == 0)
			r = scan_give_host_end(o->s, err);
	}
	return r;
}

/* ---- ai:assets ---- */

static int end_in_asset(struct oval *o, struct xml *x, const char *name, const char *text,
			struct sut_err *err)
{
	if (!strcmp(name, "fqdn") || !strcmp(name, "hostname"))
		scan_machine_name(&o->asset, text);
	else if (above(x, 1, "ip-address"))
		return scan_machine_address(&o->asset, text, err);
	else if (!strcmp(name, "mac-address"))
		return scan_machine_mac(&o->asset, text, err);
	return 0;
}

static bool in_asset(const struct xml *x)
{
	for (size_t i = 1; i < xml_depth(x); i++)
		if (above(x, i, "asset"))
			return true;
	return false;
}

/* ---- all of it ---- */

static int start(void *ctx, struct xml *x, const char *name, const char **attrs,
		 struct sut_err *err)
{
	struct oval *o = ctx;

	if (xml_depth(x) == 1) {
		enum sut_scan_format f;
		char root[64];

		/* Forced: the root has to be one of these all the same. */
		snprintf(root, sizeof(root), "<%s>", name);
		if (scan_detect(root, strlen(root), &f, err) < 0)
			return -EBADMSG;
		if (f != SUT_SCAN_OVAL && f != SUT_SCAN_ARF)
			return xml_bad(x, err, "this is not OVAL or ARF, but %s: import it as that",
				       sut_scan_format_name(f));
	}
	if (o->in_definition)
		return start_in_definition(o, x, name, attrs, err);
	if (o->in_system)
		return start_in_system(o, x, name, attrs, err);
	if (o->result)
		return start_in_result(o, x, name, attrs);
	if (!strcmp(name, "oval_definitions")) {
		o->has_definitions = true;
	} else if (!strcmp(name, "definition") && above(x, 2, "oval_definitions")) {
		begin_definition(o, attrs);
	} else if (!strcmp(name, "system") && above(x, 1, "results")) {
		begin_system(o);
	} else if (!strcmp(name, "TestResult")) {
		return begin_result(o, attrs, err);
	} else if (!strcmp(name, "asset") && above(x, 1, "assets")) {
		o->nassets++;
	} else if (above(x, 1, "generator") && above(x, 2, "oval_results")) {
		xml_want_text(x);
	} else if (in_asset(x)) {
		xml_want_text(x);
	}
	return 0;
}

static void take_generator(struct oval *o, const char *name, const char *text)
{
	struct sut_scan_summary *sum = scan_summary(o->s);

	if (!strcmp(name, "product_name"))
		scan_text(sum->tool, sizeof(sum->tool), text, strnlen(text, SUT_SCAN_ID_MAX));
	else if (!strcmp(name, "product_version"))
		scan_text(sum->tool_version, sizeof(sum->tool_version), text,
			  strnlen(text, SUT_SCAN_ID_MAX));
	else if (!strcmp(name, "timestamp"))
		sum->scanned_at = scan_time(text);
}

static int end(void *ctx, struct xml *x, const char *name, const char *text, struct sut_err *err)
{
	struct oval *o = ctx;

	if (o->in_definition) {
		if (!strcmp(name, "definition") && above(x, 2, "oval_definitions"))
			return end_definition(o, x, err);
		end_in_definition(o, x, name, text);
	} else if (o->in_system) {
		if (!strcmp(name, "system") && above(x, 1, "results"))
			return end_system(o, err);
		return end_in_system(o, x, name, text, err);
	} else if (o->result) {
		if (!strcmp(name, "TestResult"))
			o->result = NULL;
		else
			return end_in_result(o, x, name, text, err);
	} else if (above(x, 1, "generator") && above(x, 2, "oval_results")) {
		take_generator(o, name, text);
	} else if (in_asset(x)) {
		return end_in_asset(o, x, name, text, err);
	}
	return 0;
}

static const struct xml_reader elements = {start, end};

static void destroy(void *ctx)
{
	struct oval *o = ctx;

	for (struct result *t = o->results; t; t = t->next)
		scan_machine_clear(&t->m);
	xml_free(o->x);
	scan_found_release(&o->f);
	scan_machine_clear(&o->m);
	scan_machine_clear(&o->asset);
	scan_table_release(&o->definitions);
	scan_table_release(&o->items);
	scan_pool_release(&o->pool);
	free(o->true_ones);
	free(o);
}

static void *create(struct sut_scan *s)
{
	struct oval *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->s = s;
	o->results_tail = &o->results;
	if (xml_create(&elements, o, &o->x) < 0) {
		destroy(o);
		return NULL;
	}
	return o;
}

static int feed(void *ctx, const char *bytes, size_t len, struct sut_err *err)
{
	struct oval *o = ctx;

	return xml_feed(o->x, bytes, len, err);
}

static int finish(void *ctx, struct sut_err *err)
{
	struct oval *o = ctx;
	int r = xml_finish(o->x, err);

	if (r < 0)
		return r;
	if (o->nsystems)
		return 0;
	if (!o->results)
		return scan_bad(err, "holds no results: neither those of OVAL nor those of XCCDF. "
				     "Run oscap oval eval --results FILE, or oscap xccdf eval "
				     "--results-arf FILE");
	return give_results(o, err);
}

const struct scan_reader scan_reader_oval = {create, feed, finish, destroy};
