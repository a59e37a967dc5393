// SPDX-License-Identifier: Apache-2.0
#include "export/csaf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"

enum { ID_MAX = 32 };
#define HOST_ID "HOST"

struct document {
	const struct export_host *h;
	const struct export_by *by;
	const struct export_claims *c;
	const char *scope, *host;
};

/* --- products: packages, the host, and packages on the host --- */

static void package_id(size_t i, char ret[static ID_MAX])
{
	snprintf(ret, ID_MAX, "PACKAGE-%zu", i + 1);
}

static void product_id(const struct document *d, size_t i, char ret[static ID_MAX])
{
	/* What names no package is said of the host itself. */
	if (*d->c->products[i].package)
		snprintf(ret, ID_MAX, "PACKAGE-%zu-ON-HOST", i + 1);
	else
		snprintf(ret, ID_MAX, HOST_ID);
}

/* By its package URL when it has one. */
static json_t *identified(const struct document *d, const struct export_product *p)
{
	_cleanup_buf_ struct sut_buf purl = SUT_BUF_INIT(SUT_PURL_MAX),
				     urn = SUT_BUF_INIT(EXPORT_URN_MAX);

	if (export_purl(d->h, p, &purl))
		return json_pack("{s:s}", "purl", sut_buf_str(&purl));
	return export_urn(d->h, p, &urn) < 0
		       ? NULL
		       : json_pack("{s:[{s:s, s:s}]}", "x_generic_uris", "namespace",
				   "urn:suture:host", "uri", sut_buf_str(&urn));
}

static json_t *full_name(const struct document *d, const struct export_product *p, const char *id,
			 const char *on)
{
	_cleanup_(sut_freep) char *name =
		sut_sprintf("%s%s%s%s%s", p->package, *p->version ? " " : "", p->version,
			    *on ? " installed on " : "", on);

	return name ? json_pack("{s:s, s:s, s:o}", "name", name, "product_id", id,
				"product_identification_helper", identified(d, p))
		    : NULL;
}

static json_t *host_name(const struct document *d)
{
	return json_pack("{s:s, s:s, s:{s:[{s:s, s:s+}]}}", "name", d->host, "product_id", HOST_ID,
			 "product_identification_helper", "x_generic_uris", "namespace",
			 "urn:suture:system", "uri",
			 "urn:suture:system:", *d->h->system_id ? d->h->system_id : d->h->uid);
}

static json_t *relationship(const struct document *d, size_t i)
{
	char package[ID_MAX], id[ID_MAX];

	package_id(i, package);
	product_id(d, i, id);
	return json_pack("{s:s, s:s, s:s, s:o}", "category", "installed_on", "product_reference",
			 package, "relates_to_product_reference", HOST_ID, "full_product_name",
			 full_name(d, &d->c->products[i], id, d->host));
}

static json_t *product_tree(const struct document *d)
{
	json_t *names = json_pack("[o]", host_name(d)), *relations = json_array(), *tree;
	int bad = !names || !relations;

	for (size_t i = 0; i < d->c->nproducts && !bad; i++) {
		const struct export_product *p = &d->c->products[i];
		char id[ID_MAX];

		if (!*p->package)
			continue;
		package_id(i, id);
		bad = json_array_append_new(names, full_name(d, p, id, "")) < 0 ||
		      json_array_append_new(relations, relationship(d, i)) < 0;
	}
	tree = bad ? NULL : json_pack("{s:O}", "full_product_names", names);
	/* An empty list is not valid. */
	if (tree && json_array_size(relations) &&
	    json_object_set(tree, "relationships", relations) < 0) {
		json_decref(tree);
		tree = NULL;
	}
	json_decref(names);
	json_decref(relations);
	return tree;
}

/* --- vulnerabilities --- */

/* Adds value to the list of that name, which is made when it is not there. */
static int put(json_t *object, const char *name, json_t *value)
{
	json_t *list = json_object_get(object, name);

	if (!list) {
		list = json_array();
		if (json_object_set_new(object, name, list) < 0) {
			json_decref(value);
			return -ENOMEM;
		}
	}
	return json_array_append_new(list, value) < 0 ? -ENOMEM : 0;
}

/* What has to be started anew after the remedy; NULL: the remedy is none that one could apply. */
static const char *restart(const struct verdict_answer *a)
{
	switch (a->why) {
	case WHY_SOME_PROCESSES:
	case WHY_RESTART:
		return "service";
	case WHY_REBOOT:
		return "system";
	case WHY_NOT_IN_USE:
		return "none";
	default:
		break;
	}
	switch (a->verdict) {
	case VERDICT_FIX_READY:
	case VERDICT_FIX_HELD:
		return "none";
	case VERDICT_REBOOT_NEEDED:
		return "system";
	default:
		return NULL;
	}
}

static json_t *remediation(const struct verdict_answer *a, const char *id)
{
	const char *category = a->verdict == VERDICT_PARTIAL && a->why != WHY_SOME_PROCESSES
				       ? "mitigation"
			       : a->verdict == VERDICT_NO_FIX ? "none_available"
							      : "vendor_fix";
	const char *again = sut_streq(category, "vendor_fix") ? restart(a) : NULL;
	char text[EXPORT_TEXT_MAX];
	json_t *j;

	export_action(a, text);
	j = json_pack("{s:s, s:s, s:[s]}", "category", category, "details", text, "product_ids",
		      id);
	if (j && again &&
	    json_object_set_new(j, "restart_required", json_pack("{s:s}", "category", again)) < 0) {
		json_decref(j);
		return NULL;
	}
	return j;
}

/* What the profile wants beside the status: a remedy, or why it is not affected. */
static int add_claim(const struct document *d, json_t *j, json_t *status,
		     const struct export_claim *claim)
{
	static const char *const words[EXPORT_STATUSES] = {
		[EXPORT_FIXED] = "fixed",
		[EXPORT_AFFECTED] = "known_affected",
		[EXPORT_NOT_AFFECTED] = "known_not_affected",
		[EXPORT_INVESTIGATED] = "under_investigation",
	};
	const struct verdict_answer *a = &claim->finding->answer;
	enum export_status is = export_status_of(a);
	char id[ID_MAX], text[EXPORT_TEXT_MAX];
	int r;

	product_id(d, claim->product, id);
	r = put(status, words[is], json_string(id));
	if (r == 0 && is == EXPORT_AFFECTED)
		r = put(j, "remediations", remediation(a, id));
	if (r == 0 && is == EXPORT_NOT_AFFECTED) {
		export_reason(a, text);
		r = put(j, "flags",
			json_pack("{s:s, s:[s]}", "label", export_justification(a), "product_ids",
				  id));
		if (r == 0)
			r = put(j, "threats",
				json_pack("{s:s, s:s, s:[s]}", "category", "impact", "details",
					  text, "product_ids", id));
	}
	return r;
}

/* One sentence for each verdict that the CVE has here. */
static int add_reasons(struct sut_buf *b, const struct export_claim *v, size_t n)
{
	unsigned int said = 0;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		const struct verdict_answer *a = &v[i].finding->answer;
		char text[EXPORT_TEXT_MAX];

		if (said & 1u << a->verdict)
			continue;
		said |= 1u << a->verdict;
		export_reason(a, text);
		r = sut_buf_addf(b, "%s%s", b->len ? " " : "", text);
	}
	return r;
}

static json_t *vulnerability(const struct document *d, const struct export_claim *v, size_t n)
{
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(VERDICTS * (EXPORT_TEXT_MAX + 1) + 2048);
	json_t *j, *status = json_object();
	int r = add_reasons(&text, v, n);

	if (r == 0)
		r = sut_buf_addf(&text, " %s", d->scope);
	j = r == 0 ? json_pack("{s:s, s:[{s:s, s:s, s:s}], s:O}", "cve", v->cve, "notes",
			       "category", "details", "title", "On this host", "text",
			       sut_buf_str(&text), "product_status", status)
		   : NULL;
	for (size_t i = 0; j && i < n; i++)
		if (add_claim(d, j, status, &v[i]) < 0) {
			json_decref(j);
			j = NULL;
		}
	json_decref(status);
	return j;
}

static json_t *vulnerabilities(const struct document *d)
{
	json_t *list = json_array();

	for (size_t i = 0, n; i < d->c->n; i += n) {
		const struct export_claim *v = d->c->v + i;

		for (n = 1; i + n < d->c->n && sut_streq(v[n].cve, v->cve);)
			n++;
		if (json_array_append_new(list, vulnerability(d, v, n)) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* --- the document --- */

static json_t *tracking(const struct document *d, const char *id)
{
	char at[EXPORT_TIME_MAX];

	export_time(d->by->now, at);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:[{s:s, s:s, s:s}], s:{s:s, s:{s:s, s:s}}}",
			 "id", id, "status", "final", "version", "1", "initial_release_date", at,
			 "current_release_date", at, "revision_history", "date", at, "number", "1",
			 "summary", "As the console knows it at this time", "generator", "date", at,
			 "engine", "name", "suture-console", "version", SUTURE_VERSION);
}

static json_t *head(const struct document *d, const char *id)
{
	/* A namespace is a URI, and it need not be one that answers. */
	const char *space = *d->by->url ? d->by->url : "urn:suture:console";
	_cleanup_(sut_freep) char *title =
		sut_sprintf("Vulnerabilities of %s and what live patches close", d->host);

	return !title ? NULL
		      : json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s, s:s}, s:o, "
				  "s:[{s:s, s:s, s:s}], s:{s:{s:s}}}",
				  "category", "csaf_vex", "csaf_version", "2.0", "lang", "en",
				  "title", title, "publisher", "category", "user", "name",
				  d->by->name, "namespace", space, "tracking", tracking(d, id),
				  "notes", "category", "general", "title", "Scope", "text",
				  d->scope, "distribution", "tlp", "label", "AMBER");
}

static char *document_id(const struct export_host *h, int64_t now)
{
	char stamp[EXPORT_TIME_MAX];

	export_stamp(now, stamp);
	return sut_sprintf("suture-%s-%s", h->uid, stamp);
}

char *export_csaf_name(const struct export_host *h, int64_t now)
{
	_cleanup_(sut_freep) char *id = document_id(h, now);

	return id ? sut_sprintf("%s.json", id) : NULL;
}

int export_csaf(const struct export_host *h, const struct export_finding *v, size_t n,
		const struct export_by *by, json_t **ret, struct sut_err *err)
{
	_cleanup_claims_ struct export_claims c = {0};
	_cleanup_(sut_freep) char *scope = export_scope(h, by->now), *host = export_host_title(h),
				  *id = document_id(h, by->now);
	const struct document d = {h, by, &c, scope, host};
	json_t *j;
	int r;

	if (!n)
		return sut_err_reason(err, ENODATA, "nothing-to-say",
				      "no scan has findings of this host, and a VEX document "
				      "cannot be empty: import a scan first");
	if (!scope || !host || !id)
		return sut_err_oom(err);
	r = export_claims_make(h, v, n, &c, err);
	if (r < 0)
		return r;
	j = json_pack("{s:o, s:o, s:o}", "document", head(&d, id), "product_tree", product_tree(&d),
		      "vulnerabilities", vulnerabilities(&d));
	if (!j)
		return sut_err_oom(err);
	*ret = j;
	return 0;
}
