// SPDX-License-Identifier: Apache-2.0
#include "export/host.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/str.h"

/* --- times --- */

static void format_time(int64_t t, const char *form, char ret[static EXPORT_TIME_MAX])
{
	time_t at = (time_t)t;
	struct tm tm;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	if (!gmtime_r(&at, &tm) || !strftime(ret, EXPORT_TIME_MAX, form, &tm))
		ret[0] = '\0';
#pragma GCC diagnostic pop
}

void export_time(int64_t t, char ret[static EXPORT_TIME_MAX])
{
	format_time(t, "%Y-%m-%dT%H:%M:%SZ", ret);
}

void export_stamp(int64_t t, char ret[static EXPORT_TIME_MAX])
{
	format_time(t, "%Y%m%dt%H%M%Sz", ret);
}

/* --- the distribution --- */

/* How "Debian GNU/Linux 12 (bookworm)", "Ubuntu 22.04", "Red Hat Enterprise Linux 9.4" begin, and what they mean. */
static const struct {
	const char *word, *id, *type;
} distributions[] = {
	{"debian", "debian", "deb"},	 {"ubuntu", "ubuntu", "deb"}, {"red", "rhel", "rpm"},
	{"rhel", "rhel", "rpm"},	 {"redhat", "rhel", "rpm"},   {"alma", "almalinux", "rpm"},
	{"rocky", "rocky", "rpm"},	 {"centos", "centos", "rpm"}, {"fedora", "fedora", "rpm"},
	{"oracle", "ol", "rpm"},	 {"suse", "sles", "rpm"},     {"sles", "sles", "rpm"},
	{"opensuse", "opensuse", "rpm"}, {"amazon", "amzn", "rpm"},
};

/* The first word that is a number, as "12" or "22.04". */
static void release_of(const char *os, char ret[static 16])
{
	const char *p = os;

	ret[0] = '\0';
	while (*p) {
		size_t n = strcspn(p, " ");

		if (n < 16 && isdigit((unsigned char)*p) && strspn(p, "0123456789.") == n) {
			memcpy(ret, p, n);
			ret[n] = '\0';
			return;
		}
		p += n + strspn(p + n, " ");
	}
}

bool export_purl(const struct export_host *h, const struct export_product *p, struct sut_buf *b)
{
	char release[16];

	b->len = 0;
	if (!*p->package || !*p->version)
		return false;
	release_of(h->os, release);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(distributions); i++) {
		size_t n = strlen(distributions[i].word);

		if (strncasecmp(h->os, distributions[i].word, n) != 0)
			continue;
		return sut_purl_add(b, &(struct sut_purl){
					       distributions[i].type, distributions[i].id,
					       p->package, p->version,
					       sut_purl_arch(distributions[i].type, h->machine),
					       release}) == 0;
	}
	return false;
}

/* A scanner's name may have spaces and worse. */
static int add_name(struct sut_buf *b, const char *name)
{
	int r = *name ? sut_buf_addstr(b, ":") : 0;

	for (; *name && r == 0; name++)
		r = isalnum((unsigned char)*name) || strchr(".-_~+", *name)
			    ? sut_buf_add(b, name, 1)
			    : sut_buf_addf(b, "%%%02X", (unsigned char)*name);
	return r;
}

int export_urn(const struct export_host *h, const struct export_product *p, struct sut_buf *b)
{
	int r;

	b->len = 0;
	r = sut_buf_addf(b, "urn:suture:host:%s", h->uid);
	if (r == 0)
		r = add_name(b, p->package);
	return r == 0 ? add_name(b, p->version) : r;
}

/* --- words --- */

enum export_status export_status_of(const struct verdict_answer *a)
{
	switch (a->verdict) {
	case VERDICT_LIVE_FIXED:
		return EXPORT_FIXED;
	case VERDICT_NOT_AFFECTED:
		return EXPORT_NOT_AFFECTED;
	case VERDICT_UNKNOWN_TARGET:
		return EXPORT_INVESTIGATED;
	default:
		return EXPORT_AFFECTED;
	}
}

const char *export_justification(const struct verdict_answer *a)
{
	return a->why == WHY_NOT_RUNNING ? "vulnerable_code_not_in_execute_path"
					 : "vulnerable_code_not_present";
}

static const char *patch_name(const struct verdict_answer *a)
{
	return a->patchset && *a->patchset ? a->patchset : "the newest one";
}

void export_action(const struct verdict_answer *a, char ret[static EXPORT_TEXT_MAX])
{
	char why[VERDICT_TEXT_MAX];

	verdict_text(a, why);
	switch (a->verdict) {
	case VERDICT_FIX_READY:
		snprintf(ret, EXPORT_TEXT_MAX,
			 "Apply live patch %.63s (level %u); no reboot or restart is needed.",
			 patch_name(a), a->level);
		break;
	case VERDICT_FIX_HELD:
		snprintf(ret, EXPORT_TEXT_MAX,
			 "Wait for live patch %.63s (level %u), or end what holds it back. %s.",
			 patch_name(a), a->level, why);
		break;
	case VERDICT_PARTIAL:
		snprintf(ret, EXPORT_TEXT_MAX,
			 a->why == WHY_SOME_PROCESSES
				 ? "Restart the processes that are not patched. %s."
				 : "Upgrade the package when there is a version that closes it "
				   "wholly. %s.",
			 *why ? why : "A live patch closes it in part");
		break;
	case VERDICT_REBOOT_NEEDED:
		snprintf(ret, EXPORT_TEXT_MAX, "%s.",
			 *why ? why : "Upgrade the package and reboot");
		break;
	default:
		snprintf(ret, EXPORT_TEXT_MAX, "%s%sNo fix is known; watch for one.", why,
			 *why ? ". " : "");
	}
}

void export_reason(const struct verdict_answer *a, char ret[static EXPORT_TEXT_MAX])
{
	char why[VERDICT_TEXT_MAX];

	verdict_text(a, why);
	if (a->verdict == VERDICT_LIVE_FIXED)
		snprintf(ret, EXPORT_TEXT_MAX,
			 "Fixed in the running code by live patch %.63s (level %u). %s%s",
			 patch_name(a), a->level, why, *why ? "." : "");
	else if (export_status_of(a) == EXPORT_AFFECTED)
		export_action(a, ret);
	else
		snprintf(ret, EXPORT_TEXT_MAX, "%s.", *why ? why : verdict_name(a->verdict));
}

char *export_host_title(const struct export_host *h)
{
	const char *name = *h->name ? h->name : h->uid;

	return *h->system_id ? sut_sprintf("%s (System ID %s)", name, h->system_id) : strdup(name);
}

char *export_scope(const struct export_host *h, int64_t now)
{
	_cleanup_(sut_freep) char *title = export_host_title(h);
	char until[EXPORT_TIME_MAX], seen[EXPORT_TIME_MAX] = "never";

	export_time(now + EXPORT_VALID_S, until);
	if (h->last_seen)
		export_time(h->last_seen, seen);
	return !title ? NULL
		      : sut_sprintf("True for host %s%s%s only, not for other hosts with the same "
				    "package, and until %s at most. The host was last heard of: "
				    "%s%s.",
				    title, *h->boot_id ? " in its boot " : "", h->boot_id, until,
				    seen, h->portal_ok ? "" : "; the portal does not answer now");
}

/* --- claims --- */

void export_claims_release(struct export_claims *c)
{
	free(c->products);
	free(c->v);
	*c = (struct export_claims){0};
}

static int by_product(const void *x, const void *y)
{
	const struct export_product *a = x, *b = y;
	int d = strcmp(a->package, b->package);

	return d ? d : strcmp(a->version, b->version);
}

/* The package that the finding is about, as the portal knows it: the scanner may have named another of the same source. */
static bool target_product(const struct export_finding *f, struct export_product *ret)
{
	const struct index_target *t = f->answer.target;

	/* A kernel that does not run is none that patches are for. */
	if (!t || !t->package || !t->version || f->answer.why == WHY_NOT_RUNNING)
		return false;
	*ret = (struct export_product){t->package, t->version};
	return true;
}

/* One or two of a finding: the package as its scanner names it, and as the portal does. */
static size_t products_of(const struct export_host *h, const struct export_finding *f,
			  struct export_product ret[static 2])
{
	size_t n = 0;

	if (target_product(f, &ret[n]))
		n++;
	if (*f->package && *f->version) {
		ret[n] = (struct export_product){f->package, f->version};
		if (!n || by_product(&ret[0], &ret[n]))
			n++;
	}
	if (!n && !*f->package && *h->package && *h->package_version)
		ret[n++] = (struct export_product){h->package, h->package_version};
	if (!n)
		ret[n++] = (struct export_product){"", ""};
	return n;
}

static int by_claim(const void *x, const void *y)
{
	const struct export_claim *a = x, *b = y;
	int64_t ka = index_cve(a->cve), kb = index_cve(b->cve);
	int d = ka < kb ? -1 : ka > kb;

	if (!d)
		d = strcmp(a->cve, b->cve);
	return d ? d : a->product < b->product ? -1 : a->product > b->product;
}

static void collect_products(const struct export_host *h, const struct export_finding *v, size_t n,
			     struct export_claims *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		c->nproducts += products_of(h, &v[i], c->products + c->nproducts);
	qsort(c->products, c->nproducts, sizeof(*c->products), by_product);
	for (size_t i = 0; i < c->nproducts; i++)
		if (!kept || by_product(&c->products[kept - 1], &c->products[i]))
			c->products[kept++] = c->products[i];
	c->nproducts = kept;
}

static void collect_claims(const struct export_host *h, const struct export_finding *v, size_t n,
			   struct export_claims *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		struct export_product of[2];
		size_t k = products_of(h, &v[i], of);

		for (size_t j = 0; j < k; j++) {
			const struct export_product *p =
				bsearch(&of[j], c->products, c->nproducts, sizeof(*p), by_product);

			c->v[c->n++] =
				(struct export_claim){v[i].cve, (size_t)(p - c->products), &v[i]};
		}
	}
	qsort(c->v, c->n, sizeof(*c->v), by_claim);
	for (size_t i = 0; i < c->n; i++) {
		struct export_claim *last = kept ? &c->v[kept - 1] : NULL;

		if (!last || by_claim(last, &c->v[i]))
			c->v[kept++] = c->v[i];
		else if (last->finding->answer.verdict != c->v[i].finding->answer.verdict &&
			 verdict_worse(last->finding->answer.verdict,
				       c->v[i].finding->answer.verdict) ==
				 c->v[i].finding->answer.verdict)
			last->finding = c->v[i].finding;
	}
	c->n = kept;
}

int export_claims_make(const struct export_host *h, const struct export_finding *v, size_t n,
		       struct export_claims *ret, struct sut_err *err)
{
	_cleanup_claims_ struct export_claims c = {0};

	if (n > EXPORT_CLAIMS_MAX / 2)
		return sut_err_reason(err, E2BIG, "too-large",
				      "this host has %zu findings; a document has at most %d. "
				      "Take findings.csv",
				      n, EXPORT_CLAIMS_MAX / 2);
	c.products = calloc(2 * n + 1, sizeof(*c.products));
	c.v = calloc(2 * n + 1, sizeof(*c.v));
	if (!c.products || !c.v)
		return sut_err_oom(err);
	collect_products(h, v, n, &c);
	collect_claims(h, v, n, &c);
	*ret = c;
	c = (struct export_claims){0};
	return 0;
}
