// SPDX-License-Identifier: Apache-2.0
#include "trust.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "report.h"

bool sut_trust_is_good(const struct sut_trust *t)
{
	return t->why.code == 0;
}

int sut_trust_allowed(const struct sut_trust_opts *o, const struct sut_policy *p,
		      const struct sut_err *policy_err, struct sut_err *err)
{
	const char *option = o->insecure_local ? "--insecure-local"
			     : o->keys	       ? "--keys"
			     : o->engine       ? "--engine"
					       : NULL;

	if (!option)
		return 0;
	if (policy_err->code) {
		if (err)
			*err = *policy_err;
		return -policy_err->code;
	}
	if (p->insecure_local)
		return 0;
	return sut_err_reason(
		err, EPERM, "policy",
		"%s is refused by the policy of this machine (insecure-local = refuse "
		"in " SUT_POLICY_FILE "). Apply a patch that is signed by a key of " SUT_KEYS_DIR
		", without that option",
		option);
}

/* ------------------------------------------------------------------ */

/* As minisign shows key numbers: as one little-endian number. */
static void show_number(const uint8_t keynum[static SUT_MINISIGN_KEYNUM],
			char ret[static 2 * SUT_MINISIGN_KEYNUM + 1])
{
	uint64_t n = 0;

	for (int i = SUT_MINISIGN_KEYNUM; i-- > 0;)
		n = n << 8 | keynum[i];
	snprintf(ret, 2 * SUT_MINISIGN_KEYNUM + 1, "%016" PRIX64, n);
}

/* "not good" into t, unless memory was short: that says nothing about the file. */
static int verdict(int r, struct sut_trust *t, const char *reason, const char *what,
		   struct sut_err *err)
{
	if (r == 0)
		return 0;
	if (r == -ENOMEM) {
		if (err)
			*err = t->why;
		return r;
	}
	sut_err_prefix(&t->why, "%s", what);
	if (!*t->why.reason)
		snprintf(t->why.reason, sizeof(t->why.reason), "%s", reason);
	return 0;
}

static int read_signature(const char *sig, struct sut_buf *b, struct sut_err *err)
{
	int r = sut_file_read(sig, b, err);

	if (r == -ENOENT)
		return sut_err_reason(err, ENOENT, "unsigned",
				      "it is not signed (there is no %s). Get the .sig file from "
				      "where the patch came from and put it there",
				      sig);
	if (r == -EFBIG)
		return sut_err_reason(err, EBADMSG, "signature-format",
				      "%s is too large for a signature. Download it again", sig);
	return r;
}

static int no_keys(const char *dir, struct sut_err *err)
{
	return sut_err_reason(err, ENOKEY, "no-keys",
			      "this machine trusts no key yet (there is no .pub file in %s). Put "
			      "the public key of whoever makes your patches there, from a source "
			      "you trust",
			      dir);
}

static int unknown_key(const char *dir, const struct sut_trust *t, struct sut_err *err)
{
	return sut_err_reason(
		err, ENOKEY, "unknown-key",
		"it is signed by the key %s, which is none of those in %s. Do not use "
		"the file unless you know whose key that is; then put its .pub file "
		"there",
		t->key_number, dir);
}

static int bad_signature(const struct sut_trust *t, struct sut_err *err)
{
	return sut_err_reason(
		err, EKEYREJECTED, "bad-signature",
		"the signature by the key %s does not fit: the patch or its .sig file "
		"was changed or damaged. Download both again; if that does not help, "
		"do not use them and tell whoever made the patch",
		t->key_number);
}

static int check(const struct sut_patch_keys *keys, const char *dir, const struct sut_loaded *l,
		 const struct sut_buf *sig, struct sut_trust *t)
{
	const struct sut_patch_key *by = NULL;
	struct sut_minisign_sig parsed;
	int r;

	/* Before it is trusted, the number only serves to say whose key would be needed. */
	if (sut_minisign_sig_parse(sig->data, sig->len, &parsed, NULL) == 0)
		show_number(parsed.keynum, t->key_number);
	if (keys->n == 0)
		return no_keys(dir, &t->why);
	r = sut_patch_sig_verify(keys, l->file.data, l->file.len, sig->data, sig->len, &t->claim,
				 &by, &t->why);
	if (r == -ENOKEY)
		return unknown_key(dir, t, &t->why);
	if (r == -EKEYREJECTED)
		return bad_signature(t, &t->why);
	if (r == 0)
		snprintf(t->key, sizeof(t->key), "%s", by->name);
	return r;
}

/* What is not known to be bad yet (t->why.code 0) is checked. */
static int check_with_keys(const struct sut_trust_opts *o, const char *path,
			   const struct sut_loaded *l, const struct sut_buf *sig,
			   struct sut_trust *t, struct sut_err *err)
{
	_cleanup_(sut_patch_keys_release) struct sut_patch_keys keys = {0};
	const char *dir = o->keys ? o->keys : SUT_KEYS_DIR;
	int r = 0;

	if (sut_trust_is_good(t))
		r = verdict(sut_patch_keys_read(dir, &keys, &t->why), t, "keys",
			    "cannot say whether the signature is good", err);
	if (r == 0 && sut_trust_is_good(t))
		r = verdict(check(&keys, dir, l, sig, t), t, "bad-signature", path, err);
	return r;
}

int sut_trust_check_sig(const struct sut_trust_opts *o, const char *path,
			const struct sut_loaded *l, const struct sut_buf *sig,
			struct sut_trust *ret, struct sut_err *err)
{
	struct sut_trust t = {.insecure_local = o->insecure_local};
	int r = check_with_keys(o, path, l, sig, &t, err);

	if (r == 0)
		*ret = t;
	return r;
}

int sut_trust_check(const struct sut_trust_opts *o, const char *path, const struct sut_loaded *l,
		    struct sut_trust *ret, struct sut_err *err)
{
	_cleanup_(sut_freep) char *beside = sut_sprintf("%s.sig", path);
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	struct sut_trust t = {.insecure_local = o->insecure_local};
	int r;

	if (!beside)
		return sut_err_oom(err);
	r = verdict(read_signature(o->sig ? o->sig : beside, &b, &t.why), &t,
		    "signature-unreadable", path, err);
	if (r == 0)
		r = check_with_keys(o, path, l, &b, &t, err);
	if (r == 0)
		*ret = t;
	return r;
}

void sut_trust_claim(struct sut_trust *t, const struct sut_manifest *m)
{
	struct sut_err why = {0};

	if (!sut_trust_is_good(t) || sut_patch_sig_matches(&t->claim, m, &why) == 0)
		return;
	t->why = why;
	*t->key = 0;
}

int sut_trust_look(const struct sut_trust_opts *o, const char *path, struct sut_loaded **ret,
		   struct sut_trust *ret_trust, struct sut_err *err)
{
	_cleanup_(sut_loaded_freep) struct sut_loaded *l = NULL;
	struct sut_trust t;
	int r = sut_loaded_open(path, &l, err);

	if (r == 0)
		r = sut_trust_check(o, path, l, &t, err);
	if (r == 0)
		r = o->libraries ? sut_loaded_parse_any(l, path, err)
				 : sut_loaded_parse(l, path, err);
	if (r < 0)
		return r;
	sut_trust_claim(&t, l->manifest);
	*ret = sut_steal(l);
	*ret_trust = t;
	return 0;
}

/* ------------------------------------------------------------------ */

json_t *sut_trust_json(const struct sut_trust *t)
{
	bool good = sut_trust_is_good(t);
	char at[32] = "";

	sut_report_time(t->claim.time, at);
	return json_pack("{s:s,s:o,s:o,s:o,s:b,s:o}", "state", good ? "good" : t->why.reason, "key",
			 good ? sut_report_text(t->key) : json_null(), "key_number",
			 *t->key_number ? json_string(t->key_number) : json_null(), "signed_at",
			 good ? json_string(at) : json_null(), "insecure_local", t->insecure_local,
			 "message", good ? json_null() : sut_report_text(t->why.msg));
}

/* A string member into ret; false when it is too long or no printable text. null: "". */
static bool take(const json_t *j, const char *name, char *ret, size_t len)
{
	const json_t *v = json_object_get(j, name);
	const char *s = json_is_null(v) ? "" : json_string_value(v);

	if (!s || strlen(s) >= len)
		return false;
	for (const char *p = s; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	snprintf(ret, len, "%s", s);
	return true;
}

int sut_trust_from_json(const json_t *j, struct sut_trust *ret)
{
	struct sut_trust t = {0};
	const json_t *insecure = json_object_get(j, "insecure_local");
	char at[32];

	if (!take(j, "state", t.why.reason, sizeof(t.why.reason)) || !*t.why.reason ||
	    !take(j, "key", t.key, sizeof(t.key)) ||
	    !take(j, "key_number", t.key_number, sizeof(t.key_number)) ||
	    !take(j, "signed_at", at, sizeof(at)) ||
	    !take(j, "message", t.why.msg, sizeof(t.why.msg)) || !json_is_boolean(insecure))
		return -EBADMSG;
	t.insecure_local = json_is_true(insecure);
	if (!sut_streq(t.why.reason, "good")) {
		if (*t.key)
			return -EBADMSG;
		t.why.code = EPERM;
	} else {
		t.why.reason[0] = 0;
		if (sut_report_parse_time(at, &t.claim.time) < 0)
			return -EBADMSG;
	}
	*ret = t;
	return 0;
}

void sut_trust_text(const struct sut_trust *t, char *out, size_t len)
{
	char at[32];

	if (sut_trust_is_good(t)) {
		sut_report_time(t->claim.time, at);
		snprintf(out, len, "good, by %s (%s), %s", t->key, t->key_number, at);
	} else if (sut_streq(t->why.reason, "unsigned")) {
		snprintf(out, len, "none");
	} else if (sut_streq(t->why.reason, "unknown-key")) {
		snprintf(out, len, "by a key that is not trusted here (%s)", t->key_number);
	} else {
		snprintf(out, len, "not trusted (%s)", t->why.reason);
	}
}
