// SPDX-License-Identifier: Apache-2.0
/*
 * openvex.json: an OpenVEX 0.2.0 document about this machine in this boot. OpenVEX names products by package, and has no
 * word for "on this host" or "until": both are said in the text of every statement, and by a document that is
 * gone when it is not true any more.
 */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "cve/purl.h"
#include "internal.h"
#include "common/when.h"

/* Scanners write the release of the distribution in two ways, "debian-12" and "debian-12.11": both are named. */
static int make_products(const struct truth_host *h, const char *package, const char *version,
			 json_t **ret)
{
	const char *const versions[] = {h->os_version, h->os_point};
	json_t *list = json_array();

	for (size_t i = 0; list && i < SUT_ARRAY_SIZE(versions); i++) {
		_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_PURL_MAX);
		json_t *p = NULL;

		if (i && (!*versions[1] || sut_streq(versions[0], versions[1])))
			break;
		if (!sut_purl_add(&b, &(struct sut_purl){h->type, h->os, package, version,
							 h->package_arch, versions[i]}))
			p = json_pack("{s:s, s:{s:s}}", "@id", sut_buf_str(&b), "identifiers",
				      "purl", sut_buf_str(&b));
		if (json_array_append_new(list, p) < 0) {
			json_decref(list);
			list = NULL;
		}
	}
	*ret = list;
	return list ? 0 : -ENOMEM;
}

struct about {
	const json_t *state, *patch;
	const char *host_id, *until;
	json_t *products;
};

static int add_statement(json_t *list, const struct about *a, const char *cve)
{
	char *notes = sut_sprintf(
		"Fixed in the running kernel %s of host %s by live patch %s (level %lld), applied "
		"%s. True for this host in this boot (%s) only, not for other hosts with the same "
		"package, and until %s at most: the document is renewed while the patch is live "
		"and removed when it is not.",
		truth_text(json_object_get(a->state, "kernel"), "release"), a->host_id,
		truth_text(a->patch, "id"),
		(long long)json_integer_value(json_object_get(a->patch, "level")),
		truth_text(a->patch, "applied_at"), truth_text(a->state, "boot_id"), a->until);
	json_t *j = NULL;

	/* 'O' takes a reference even when json_pack() fails later: the list is ours all the time. */
	if (notes)
		j = json_pack("{s:{s:s}, s:s, s:s}", "vulnerability", "name", cve, "status",
			      "fixed", "status_notes", notes);
	free(notes);
	if (!j)
		return -ENOMEM;
	if (json_object_set(j, "products", a->products) < 0) {
		json_decref(j);
		return -ENOMEM;
	}
	return json_array_append_new(list, j) < 0 ? -ENOMEM : 0;
}

static int make_statements(const struct about *a, json_t **ret)
{
	json_t *cves, *list, *c;
	size_t i;
	int r = truth_cve_list(a->state, &cves);

	if (r < 0)
		return r;
	list = json_array();
	r = list ? 0 : -ENOMEM;
	json_array_foreach(cves, i, c) {
		if (r < 0)
			break;
		r = add_statement(list, a, json_string_value(c));
	}
	json_decref(cves);
	if (r < 0) {
		json_decref(list);
		return r;
	}
	*ret = list;
	return 0;
}

static json_t *make_document(const struct about *a, int64_t now, int64_t version,
			     json_t *statements)
{
	char *id = sut_sprintf("urn:uuid:%s", truth_text(a->state, "boot_id")),
	     *author = sut_sprintf("Suture, live patching on host %s", a->host_id), at[WHEN_MAX];
	json_t *j = NULL;

	when_text(now, at);
	if (id && author)
		j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s}", "@context",
			      "https://openvex.dev/ns/v0.2.0", "@id", id, "author", author, "role",
			      "Agent on the host that it speaks of", "timestamp", at,
			      "last_updated", at, "version", (json_int_t)version, "tooling",
			      "suture-apply " SUTURE_VERSION);
	free(id);
	free(author);
	if (json_object_set_new(j, "statements", statements) < 0) {
		json_decref(j);
		return NULL;
	}
	return j;
}

/* --- libraries --- */

static json_t *library_statement(const struct about *a, const json_t *l, const char *cve,
				 const json_t *products)
{
	static const char *const words[] = {
		[TRUTH_LIBRARY_FIXED] = "fixed",
		[TRUTH_LIBRARY_PARTLY] = "affected",
		[TRUTH_LIBRARY_UNKNOWN] = "under_investigation",
	};
	enum truth_library is = truth_library_is(a->state, l);
	_cleanup_(sut_freep) char *notes = NULL;
	char counts[160];
	json_t *j;

	truth_library_text(a->state, l, counts, sizeof(counts));
	notes = sut_sprintf(
		"%s in %s of package %s on host %s: live patch %s (level %lld) runs in %s. True "
		"for this host in this boot (%s) only, not for other hosts with the same package, "
		"and until %s at most: the document is renewed while the patch is live and removed "
		"when it is not.",
		is == TRUTH_LIBRARY_FIXED ? "Fixed" : "Not fixed everywhere", truth_text(l, "name"),
		truth_text(l, "package"), a->host_id, truth_text(l, "id"),
		(long long)json_integer_value(json_object_get(l, "level")), counts,
		truth_text(a->state, "boot_id"), a->until);
	j = notes ? json_pack("{s:{s:s}, s:s, s:s, s:O}", "vulnerability", "name", cve, "status",
			      words[is], "status_notes", notes, "products", products)
		  : NULL;
	/* OpenVEX asks for it. */
	if (j && is == TRUTH_LIBRARY_PARTLY &&
	    json_object_set_new(j, "action_statement",
				json_string("'suture lib explain' names each process that is not "
					    "patched and what to do; most of them are to be "
					    "restarted")) < 0) {
		json_decref(j);
		j = NULL;
	}
	return j;
}

static int add_library(json_t *list, const struct about *a, const struct truth_host *h,
		       const json_t *l)
{
	const json_t *c;
	json_t *products;
	size_t i;
	int r = make_products(h, truth_text(l, "package"), truth_text(l, "package_version"),
			      &products);

	if (r < 0)
		return r;
	json_array_foreach(json_object_get(l, "cves"), i, c) {
		const char *cve = json_string_value(c);

		if (r == 0 && cve && truth_is_cve(cve) &&
		    json_array_append_new(list, library_statement(a, l, cve, products)) < 0)
			r = -ENOMEM;
	}
	json_decref(products);
	return r;
}

static int add_libraries(json_t *list, const struct about *a, const struct truth_host *h)
{
	const json_t *l;
	size_t i;
	int r = 0;

	json_array_foreach(json_object_get(a->state, "libraries"), i, l)
		if (r == 0 && truth_library_runs(l) && *truth_text(l, "signed_by") &&
		    *truth_text(l, "package") && *truth_text(l, "package_version"))
			r = add_library(list, a, h, l);
	return r;
}

/* Why nothing can be said of the kernel; 0: it can. */
static int check_kernel(const struct about *a, const struct truth_host *h, struct sut_err *err)
{
	if (!a->patch)
		return sut_err_reason(err, ENODATA, "no-patch", "no live patch is applied");
	if (!*truth_text(a->patch, "signed_by"))
		return sut_err_reason(err, ENODATA, "unsigned",
				      "the live patch was applied without a trusted signature; "
				      "nobody vouches for what it fixes");
	if (!*h->package || !*h->package_version || !*h->os)
		return sut_err_reason(err, ENODATA, "no-package",
				      "the running kernel belongs to no package that is known "
				      "here; OpenVEX names products by their package");
	return 0;
}

/* *ret: what can be said; empty with the reason in err. */
static int all_statements(struct about *a, const struct truth_host *h, json_t **ret,
			  struct sut_err *err)
{
	json_t *list = NULL;
	int kernel = check_kernel(a, h, err), r = 0;

	if (kernel == 0) {
		r = make_products(h, h->package, h->package_version, &a->products);
		if (r == 0)
			r = make_statements(a, &list);
		json_decref(a->products);
		if (r == 0 && !json_array_size(list))
			(void)!sut_err_reason(err, ENODATA, "no-cves",
					      "the live patch names no CVE");
	} else {
		list = json_array();
		r = list ? 0 : -ENOMEM;
	}
	/* A package of the same kind as the kernel's. */
	if (r == 0 && *h->os && *h->type)
		r = add_libraries(list, a, h);
	if (r < 0) {
		json_decref(list);
		return sut_err_oom(err);
	}
	*ret = list;
	return 0;
}

int truth_vex(const json_t *state, const struct truth_host *h, const char *host_id, int64_t now,
	      int64_t version, json_t **ret, struct sut_err *err)
{
	struct about a = {.state = state, .patch = truth_patch(state), .host_id = host_id};
	struct sut_err why = {0};
	json_t *statements = NULL, *j;
	char until[WHEN_MAX];
	int r;

	when_text(now + TRUTH_VALID_S, until);
	a.until = until;
	r = all_statements(&a, h, &statements, &why);
	if (r == 0 && !json_array_size(statements)) {
		json_decref(statements);
		r = -ENODATA;
	} else if (r == 0 && !*truth_text(state, "boot_id")) {
		json_decref(statements);
		r = sut_err_set(&why, EBADMSG, "the state of suture-apply has no boot_id");
	}
	if (r < 0) {
		if (err)
			*err = why;
		return r;
	}
	j = make_document(&a, now, version, statements);
	if (!j)
		return sut_err_oom(err);
	*ret = j;
	return 0;
}
