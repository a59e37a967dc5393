// SPDX-License-Identifier: Apache-2.0
#include "live.h"
#include "cmd_lib.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "ask.h"
#include "base/str.h"
#include "cmd.h"
#include "common/paths.h"
#include "halves.h"
#include "show.h"
#include "truth/truth.h"

static bool is_hex(const char *s, size_t min, size_t max)
{
	size_t n = strspn(s, "0123456789abcdef");

	return !s[n] && n >= min && n <= max;
}

int live_open(const char *root, const json_t *state, struct sut_loaded **ret, struct sut_err *err)
{
	_cleanup_(sut_loaded_freep) struct sut_loaded *l = NULL;
	const char *sha256 = show_string(json_object_get(state, "patch"), "sha256"),
		   *build_id = show_string(json_object_get(state, "kernel"), "build_id");
	char path[2 * SUT_SHA256_HEX + 128];
	int r;

	/* They become a path. */
	if (!truth_is_live(state) || !is_hex(sha256, SUT_SHA256_HEX - 1, SUT_SHA256_HEX - 1) ||
	    !is_hex(build_id, 8, SUT_SHA256_HEX - 1))
		return sut_err_reason(err, ENOENT, "no-patch", "no live patch is applied");
	snprintf(path, sizeof(path), AGENT_KERNELS "/%s/%s.kpatch.bin", build_id, sha256);
	r = sut_loaded_open(agent_path(root, path).s, &l, err);
	if (!r && !sut_streq(l->sha256, sha256))
		r = sut_err_reason(err, EBADMSG, "digest", "%s is not what it was", path);
	if (!r)
		r = sut_loaded_parse(l, path, err);
	if (!r)
		*ret = sut_steal(l);
	return r;
}

static void show_list(const char *label, const json_t *list)
{
	const json_t *v;
	size_t i;

	json_array_foreach(list, i, v)
		if (json_is_string(v))
			show(i ? "" : label, "%s", json_string_value(v));
}

static void show_probation(const json_t *state)
{
	const json_t *p = show_object(state, "probation");

	if (sut_streq(show_string(state, "phase"), "probation") && p)
		show("Probation", "%lld s are left of %lld s",
		     (long long)show_int(p, "seconds_left"), (long long)show_int(p, "seconds"));
}

static void print(const json_t *state, const struct truth_host *h, const struct sut_loaded *l)
{
	const json_t *kernel = json_object_get(state, "kernel"),
		     *patch = json_object_get(state, "patch");
	const char *signer = show_string(patch, "signed_by");
	char effective[2 * TRUTH_WORD_MAX] = "", when[128], name[128];
	json_int_t pause = show_int(patch, "pause_ns");

	(void)!truth_effective(state, h, effective);
	show("Kernel", "%s %s%s%s", show_string(kernel, "release"), show_string(kernel, "arch"),
	     *h->package_version ? ", package version " : "", h->package_version);
	show("Build-id", "%s", show_string(kernel, "build_id"));
	if (!truth_is_live(state)) {
		show("Patch", "none is applied");
		lib_show_lines(state);
		return;
	}
	show_patch_name(patch, name, sizeof(name));
	show_when(show_string(patch, "applied_at"), time(NULL), when, sizeof(when));
	show("Effective", "%s", effective);
	show("Patch", "%s", name);
	show("Applied", "%s, pause %.3f ms%s", when, (double)pause / 1e6,
	     show_bool(patch, "ours") ? "" : ", by hand");
	show("Signed by", "%s", *signer ? signer : "nobody that this machine trusts");
	if (l)
		show("Built", "%s by %s", l->manifest->created, l->manifest->generator);
	show("SHA-256", "%s", show_string(patch, "sha256"));
	show_probation(state);
	show_list("Functions", json_object_get(patch, "functions"));
	show_list("CVEs", json_object_get(patch, "cves"));
	lib_show_lines(state);
}

/* null when there is none */
static json_t *member(const json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	return v ? v : json_null();
}

int live_info(bool json)
{
	_cleanup_(halves_release) struct halves h = {0};
	_cleanup_(sut_loaded_freep) struct sut_loaded *l = NULL;
	struct truth_host host = {0};
	struct sut_err err = {0};
	json_t *j;

	if (halves_read_apply(ask_root(), &h, &err) < 0 ||
	    truth_host_read(ask_root(), h.apply, &host, &err) < 0)
		return show_end("info", json, "suture-live", NULL, &err);
	(void)!live_open(ask_root(), h.apply, &l, NULL);
	if (!json) {
		print(h.apply, &host, l);
		return show_end("info", false, "suture-live", NULL, NULL);
	}
	if (truth_release(h.apply, &host, time(NULL), &j, &err) < 0)
		return show_end("info", true, "suture-live", NULL, &err);
	/* What it is called in the file for scanners, and the whole of the patch beside it. */
	json_object_del(j, "format");
	json_object_del(j, "version");
	if (json_object_set(j, "applied", member(h.apply, "patch")) < 0 ||
	    json_object_set(j, "probation", member(h.apply, "probation")) < 0 ||
	    json_object_set_new(j, "created", l ? json_string(l->manifest->created) : json_null()) <
		    0) {
		json_decref(j);
		(void)!sut_err_oom(&err);
		return show_end("info", true, "suture-live", NULL, &err);
	}
	return show_end("info", true, "suture-live", j, NULL);
}
