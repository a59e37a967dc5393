// SPDX-License-Identifier: Apache-2.0
/* The metrics, in the text format of Prometheus, for the textfile collector of node-exporter. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "internal.h"
#include "common/when.h"

struct page {
	struct sut_buf *out;
	int r; /* of the first that failed */
};

static void head(struct page *p, const char *name, const char *help)
{
	if (!p->r)
		p->r = sut_buf_addf(p->out, "# HELP suture_%s %s\n# TYPE suture_%s gauge\n", name,
				    help, name);
}

static void number(struct page *p, const char *name, const char *help, int64_t value)
{
	head(p, name, help);
	if (!p->r)
		p->r = sut_buf_addf(p->out, "suture_%s %" PRId64 "\n", name, value);
}

static void seconds(struct page *p, const char *name, const char *help, double value)
{
	head(p, name, help);
	if (!p->r)
		p->r = sut_buf_addf(p->out, "suture_%s %.9f\n", name, value);
}

/* A label: its value with backslash, quote and line end escaped, and cut to what is of use. */
static void label(struct page *p, const char *before, const char *name, const char *value)
{
	if (!p->r)
		p->r = sut_buf_addf(p->out, "%s%s=\"", before, name);
	for (size_t i = 0; !p->r && value[i] && i < 256; i++) {
		if (value[i] == '\\' || value[i] == '"')
			p->r = sut_buf_addf(p->out, "\\%c", value[i]);
		else if (value[i] == '\n')
			p->r = sut_buf_addstr(p->out, "\\n");
		else
			p->r = sut_buf_add(p->out, value + i, 1);
	}
	if (!p->r)
		p->r = sut_buf_addstr(p->out, "\"");
}

static void text(struct page *p, const char *s)
{
	if (!p->r)
		p->r = sut_buf_addstr(p->out, s);
}

/* One series for each word, 1 for the one that is so: what Prometheus calls a state set. */
static void words(struct page *p, const char *name, const char *help, const char *label_name,
		  const char *const list[], const char *now)
{
	head(p, name, help);
	for (size_t i = 0; list[i]; i++) {
		text(p, "suture_");
		text(p, name);
		label(p, "{", label_name, list[i]);
		text(p, sut_streq(list[i], now) ? "} 1\n" : "} 0\n");
	}
}

/* A time that was said; nothing when it was not. */
static void when(struct page *p, const char *name, const char *help, const char *time)
{
	int64_t t;

	if (when_parse(time, &t))
		number(p, name, help, t);
}

static void kernel(struct page *p, const json_t *state, const struct truth_host *h)
{
	const json_t *k = json_object_get(state, "kernel"), *e = json_object_get(state, "engine");
	char effective[2 * TRUTH_WORD_MAX] = "";

	(void)(truth_effective(state, h, effective) < 0); /* stays "" */
	head(p, "info", "The agent and the engine that is loaded.");
	text(p, "suture_info");
	label(p, "{", "version", SUTURE_VERSION);
	label(p, ",", "engine", truth_text(e, "version"));
	text(p, "} 1\n");
	head(p, "kernel_info", "The running kernel, and the version that is in effect.");
	text(p, "suture_kernel_info");
	label(p, "{", "release", truth_text(k, "release"));
	label(p, ",", "effective", effective);
	label(p, ",", "build_id", truth_text(k, "build_id"));
	label(p, ",", "boot_id", truth_text(state, "boot_id"));
	text(p, "} 1\n");
}

static void patch(struct page *p, const json_t *state)
{
	const json_t *patch = truth_patch(state);
	json_t *cves;

	number(p, "patched", "Whether a live patch is applied.", patch != NULL);
	number(p, "patch_level", "Level of the live patch; 0 when none is applied.",
	       json_integer_value(json_object_get(patch, "level")));
	if (!p->r)
		p->r = truth_cve_list(state, &cves);
	if (p->r)
		return;
	number(p, "cves_fixed", "CVEs that are fixed in the running kernel by the live patch.",
	       (int64_t)json_array_size(cves));
	json_decref(cves);
	if (!patch)
		return;
	head(p, "patch_info", "The live patch.");
	text(p, "suture_patch_info");
	label(p, "{", "patchset", truth_text(patch, "id"));
	label(p, ",", "signed_by", truth_text(patch, "signed_by"));
	label(p, ",", "sha256", truth_text(patch, "sha256"));
	text(p, "} 1\n");
	when(p, "patch_applied_timestamp_seconds", "When the live patch was applied.",
	     truth_text(patch, "applied_at"));
	seconds(p, "patch_pause_seconds",
		"How long the machine stood still while the live patch was applied.",
		(double)json_integer_value(json_object_get(patch, "pause_ns")) / 1e9);
}

static void library_series(struct page *p, const char *name, const char *help, const json_t *state,
			   const char *key)
{
	const json_t *l;
	size_t i;

	head(p, name, help);
	json_array_foreach(json_object_get(state, "libraries"), i, l) {
		if (!truth_library_runs(l))
			continue;
		text(p, "suture_");
		text(p, name);
		label(p, "{", "name", truth_text(l, "name"));
		label(p, ",", "build_id", truth_text(l, "build_id"));
		label(p, ",", "package", truth_text(l, "package"));
		label(p, ",", "patchset", truth_text(l, "id"));
		if (!p->r)
			p->r = sut_buf_addf(p->out, "} %" PRId64 "\n",
					    (int64_t)json_integer_value(json_object_get(l, key)));
	}
}

static void libraries(struct page *p, const json_t *state)
{
	static const char *const states[] = {"running", "off", "failed", NULL};
	const json_t *daemon = json_object_get(state, "daemon");
	json_t *cves = NULL;

	if (!json_is_array(json_object_get(state, "libraries")))
		return;
	words(p, "process_daemon", "Whether suture-process is there, which patches processes.",
	      "state", states, truth_text(daemon, "state"));
	number(p, "process_watch",
	       "Whether new processes are patched before they can run the old code.",
	       sut_streq(truth_text(daemon, "watch"), "on"));
	library_series(p, "library_processes", "Processes that use a library with a patch.", state,
		       "processes");
	library_series(p, "library_patched", "Processes of these that run the patch.", state,
		       "patched");
	library_series(p, "library_patch_level", "Level of the patch of a library.", state,
		       "level");
	if (!p->r)
		p->r = truth_library_list(state, &cves);
	number(p, "library_cves_fixed",
	       "CVEs that patches of libraries fix in every process that uses them.",
	       (int64_t)json_array_size(cves));
	json_decref(cves);
}

static void guard(struct page *p, const json_t *state)
{
	static const char *const modes[] = {"normal", "no-apply", "off", NULL}, *const support[] = {
											"supported",
											"container",
											"arch",
											"foreign",
											NULL};

	words(p, "mode", "Whether live patches may be applied here.", "mode", modes,
	      truth_text(json_object_get(state, "switch"), "state"));
	words(p, "support", "Whether live patches can be applied here.", "support", support,
	      truth_text(json_object_get(state, "support"), "state"));
	number(p, "engine_loaded", "Whether the kernel module of the engine is loaded.",
	       sut_streq(truth_text(json_object_get(state, "engine"), "state"), "loaded"));
	number(p, "probation", "Whether the live patch is still on probation.",
	       sut_streq(truth_text(state, "phase"), "probation"));
	number(p, "quarantined_patches", "Patches that were taken out because they did harm.",
	       (int64_t)json_array_size(json_object_get(state, "quarantined")));
	number(p, "errors", "Failures that are not mended yet; suture status says more.",
	       (int64_t)json_array_size(json_object_get(state, "errors")));
	number(p, "reboot_needed", "Whether only a reboot restores the code of the kernel.",
	       json_is_true(json_object_get(state, "residue")));
}

static int64_t count(const json_t *object, const char *key)
{
	int64_t n = json_integer_value(json_object_get(object, key));

	return n < 0 ? 0 : n;
}

static void net(struct page *p, const json_t *net)
{
	static const char *const states[] = {
		"current",     "pending",	"held",		  "failed",  "quarantined", "off",
		"unsupported", "reboot-needed", "not-registered", "unknown", NULL};
	const json_t *in = json_object_get(net, "checkin"), *check = json_object_get(net, "check");
	const char *state = truth_text(net, "state");

	number(p, "registered", "Whether the system is registered at a portal.",
	       json_is_true(json_object_get(net, "registered")));
	words(p, "state", "What the agent says of this system at its check-ins.", "state", states,
	      state);
	number(p, "pending", "Whether a patch is to be applied and is not yet.",
	       sut_streq(state, "pending"));
	when(p, "last_checkin_timestamp_seconds", "When the portal last answered a check-in.",
	     truth_text(in, "last"));
	number(p, "checkin_failures", "Check-ins without an answer since then.",
	       count(in, "failures"));
	when(p, "last_check_timestamp_seconds", "When the repository was last looked at.",
	     truth_text(check, "last"));
	number(p, "check_failures", "Looks at the repository that failed since then.",
	       count(check, "failures"));
	when(p, "repository_expires_timestamp_seconds",
	     "When the metadata of the repository ends to be valid.", truth_text(check, "expires"));
}

int truth_metrics(const json_t *state, const json_t *net_state, const struct truth_host *h,
		  int64_t now, struct sut_buf *out, struct sut_err *err)
{
	struct page p = {.out = out};

	if (!json_is_object(state))
		return sut_err_set(err, EBADMSG, "the state of suture-apply is no object");
	kernel(&p, state, h);
	patch(&p, state);
	libraries(&p, state);
	guard(&p, state);
	if (net_state)
		net(&p, net_state);
	number(&p, "published_timestamp_seconds",
	       "When these figures were made. An agent that lives renews them at each heartbeat.",
	       now);
	return p.r < 0 ? sut_err_set(err, -p.r, "the metrics: %s", strerror(-p.r)) : 0;
}
