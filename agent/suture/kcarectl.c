// SPDX-License-Identifier: Apache-2.0
/* kcarectl.h: options and what they do. Everything is done by the functions that suture's own commands use. */
#include "kcarectl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "base/file.h"
#include "base/str.h"
#include "choose.h"
#include "cmd.h"
#include "common/conf.h"
#include "common/paths.h"
#include "doctor.h"
#include "kernel/report.h"
#include "live.h"
#include "show.h"
#include "uname.h"

#define SYSTEMID_DIR "/etc/sysconfig/kcare"
#define SYSTEMID SYSTEMID_DIR "/systemid"

enum { TEXT_MAX = 4 << 20, RETRY_S = 60 };

enum option_value { NOTHING, REQUIRED, OPTIONAL };

struct kcare {
	bool quiet, autoretry;
};

struct option_row {
	const char *name;
	char letter;
	enum option_value value;
	int (*run)(struct kcare *k, char *value); /* exit status */
};

static int fail(const struct sut_err *err)
{
	sut_report_error("kcarectl", err);
	return SUT_EXIT_ERROR;
}

/* For what KernelCare has and Suture has not: nothing was changed, and this is what does it here. */
static int instead(const char *text)
{
	fprintf(stderr, "kcarectl: %s\n", text);
	return SUT_EXIT_ERROR;
}

static int put(const struct sut_buf *b)
{
	return fwrite(sut_buf_str(b), 1, b->len, stdout) == b->len && fflush(stdout) == 0
		       ? SUT_EXIT_OK
		       : SUT_EXIT_ERROR;
}

/* ------------------------------------------------------------------ what runs */

static int show_about(int (*text)(const json_t *state, const struct kcare_about *a,
				  struct sut_buf *out))
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(TEXT_MAX), version = SUT_BUF_INIT(4096);
	_cleanup_(sut_loaded_freep) struct sut_loaded *l = NULL;
	_cleanup_(halves_release) struct halves h = {0};
	struct kcare_about a = {0};
	struct sut_err err = {0};
	int r = halves_read_apply(ask_root(), &h, &err);

	if (!r)
		r = truth_host_read(ask_root(), h.apply, &a.host, &err);
	if (r < 0)
		return fail(&err);
	(void)!live_open(ask_root(), h.apply, &l, NULL);
	a.manifest = l ? l->manifest : NULL;
	(void)!sut_file_read(agent_path(ask_root(), "/proc/version").s, &version, NULL);
	a.version = sut_buf_str(&version);
	r = text(h.apply, &a, &out);
	if (r < 0)
		return fail(&(struct sut_err){.code = -r, .msg = "memory is short"});
	return put(&out);
}

static int info(struct kcare *k _unused_, char *value _unused_)
{
	return show_about(kcare_info);
}

static int patch_info(struct kcare *k _unused_, char *value _unused_)
{
	return show_about(kcare_patch_info);
}

static int status(struct kcare *k _unused_, char *value _unused_)
{
	_cleanup_(halves_release) struct halves h = {0};

	halves_read(ask_root(), &h);
	return kcare_status(&h);
}

static void read_uname(struct uname_of *u)
{
	_cleanup_(halves_release) struct halves h = {0};

	(void)!halves_read_apply(ask_root(), &h, NULL);
	uname_read(ask_root(), h.apply, u);
}

static int safe_uname(struct kcare *k _unused_, char *value _unused_)
{
	struct uname_of u;

	read_uname(&u);
	show(NULL, "%s", u.effective);
	return SUT_EXIT_OK;
}

static int kernel_id(struct kcare *k _unused_, char *value _unused_)
{
	_cleanup_(halves_release) struct halves h = {0};
	struct sut_err err = {0};

	if (halves_read_apply(ask_root(), &h, &err) < 0)
		return fail(&err);
	show(NULL, "%s", show_string(json_object_get(h.apply, "kernel"), "kernel_id"));
	return SUT_EXIT_OK;
}

static int version(struct kcare *k _unused_, char *value _unused_)
{
	puts(SUTURE_VERSION);
	return SUT_EXIT_OK;
}

/* ------------------------------------------------------------------ changing it */

struct download {
	bool quiet, said;
};

static void watch(void *ctx, const json_t *progress)
{
	struct download *d = ctx;
	const json_t *p = json_object_get(progress, "progress");

	if (d->said || !sut_streq(show_string(p ? p : progress, "step"), "download"))
		return;
	d->said = true;
	if (!d->quiet) {
		puts("Downloading updates");
		fflush(stdout);
	}
}

static int ask_network(json_t *request, struct download *d, json_t **ret, struct sut_err *err)
{
	struct ask ask = {.each = d ? watch : NULL, .ctx = d};

	if (ask_need_root("changing what runs", err) < 0) {
		json_decref(request);
		return -EPERM;
	}
	return ask_call(ASK_NETWORK, request, &ask, ret, err);
}

static void say_applied(const struct kcare *k, const struct download *d)
{
	_cleanup_(halves_release) struct halves h = {0};
	struct uname_of u;

	(void)!halves_read_apply(ask_root(), &h, NULL);
	uname_read(ask_root(), h.apply, &u);
	if (k->quiet)
		return;
	if (!d->said)
		puts("Updates already downloaded");
	show(NULL, "Patch level %lld applied. Effective kernel version %s",
	     (long long)show_int(json_object_get(h.apply, "patch"), "level"), u.effective);
}

static int update(struct kcare *k, char *value _unused_)
{
	_cleanup_(json_decrefp) json_t *answer = NULL;
	_cleanup_(halves_release) struct halves h = {0};
	struct download d = {.quiet = k->quiet};
	struct sut_err err = {0};
	const json_t *result;
	int r = ask_network(json_pack("{s:s}", "verb", "update"), &d, &answer, &err);

	result = show_object(answer, "result");
	if (!r)
		r = show_result_error(result, &err);
	halves_read(ask_root(), &h);
	if (kcare_status(&h) == KCARE_UNKNOWN) {
		if (err.code)
			(void)fail(&err);
		return KCARE_UNKNOWN;
	}
	if (r < 0)
		return fail(&err);
	if (sut_streq(show_string(result, "outcome"), "applied"))
		say_applied(k, &d);
	if (kcare_status(&h) == KCARE_LATEST) {
		if (!k->quiet)
			puts("Kernel is safe");
	} else {
		/* Held back, or nothing for this kernel: not an error, and not safe either. */
		fprintf(stderr, "kcarectl: %s\n",
			*show_string(json_object_get(h.network, "why"), "text")
				? show_string(json_object_get(h.network, "why"), "text")
				: "no patch is applied, and none is to be");
	}
	return SUT_EXIT_OK;
}

/* That of the timer: does nothing where the administrator does it. */
static int auto_update(struct kcare *k, char *value)
{
	struct agent_conf *conf = calloc(1, sizeof(*conf));
	struct sut_err err = {0};
	bool manual;
	int r = conf ? agent_conf_read(ask_root(), conf, &err) : sut_err_oom(&err);

	manual = !r && conf->policy.update == AGENT_UPDATE_MANUAL;
	free(conf);
	if (r < 0)
		return fail(&err);
	return manual ? SUT_EXIT_OK : update(k, value);
}

static int check(struct kcare *k _unused_, char *value _unused_)
{
	_cleanup_(json_decrefp) json_t *answer = NULL;
	_cleanup_(halves_release) struct halves h = {0};
	struct sut_err err = {0};

	/* Others than root hear what is known already. */
	if ((geteuid() == 0 || *ask_root()) &&
	    ask_network(json_pack("{s:s}", "verb", "check"), NULL, &answer, &err) < 0)
		(void)fail(&err);
	halves_read(ask_root(), &h);
	return kcare_is_new(&h) ? 0 : 1;
}

static int unload(struct kcare *k, char *value _unused_)
{
	_cleanup_(json_decrefp) json_t *answer = NULL;
	struct sut_err err = {0};
	int r = ask_need_root("changing what runs", &err);

	if (!r)
		r = ask_call(ASK_APPLY,
			     json_pack("{s:s,s:s,s:s}", "verb", "unload", "by", "root", "reason",
				       "kcarectl --unload"),
			     NULL, &answer, &err);
	if (!r)
		r = show_result_error(show_object(answer, "result"), &err);
	if (r < 0)
		return fail(&err);
	if (!k->quiet)
		puts("KernelCare protection disabled. Your kernel might not be safe");
	return SUT_EXIT_OK;
}

/* ------------------------------------------------------------------ who we are */

static int write_systemid(const char *id, struct sut_err *err)
{
	struct agent_path dir = agent_path(ask_root(), SYSTEMID_DIR),
			  path = agent_path(ask_root(), SYSTEMID);
	char text[128];
	int n = snprintf(text, sizeof(text), "server_id=%.64s\n", id);

	return access(dir.s, F_OK) < 0 ? 0 : sut_file_write(path.s, text, (size_t)n, 0600, err);
}

static int enrol(const char *portal, const char *key, struct sut_err *err)
{
	_cleanup_(json_decrefp) json_t *answer = NULL;
	int r = ask_network(
		json_pack("{s:s, s:s, s:s}", "verb", "register", "portal", portal, "key", key),
		NULL, &answer, err);

	return r < 0 ? r : write_systemid(show_string(answer, "system_id"), err);
}

static int do_register(struct kcare *k, char *key)
{
	struct agent_conf *conf = calloc(1, sizeof(*conf));
	struct sut_err err = {0};
	int r = conf ? agent_conf_read(ask_root(), conf, &err) : sut_err_oom(&err);

	if (!r && !*conf->portal)
		r = sut_err_reason(&err, EINVAL, "no-portal",
				   "it is not known which portal is meant. Write 'portal = URL' "
				   "into /etc/suture/agent.conf, or use 'suture register'");
	while (!r && (r = enrol(conf->portal, key, &err)) < 0 && k->autoretry && r != -EPERM) {
		(void)fail(&err);
		sleep(RETRY_S);
		r = 0;
	}
	free(conf);
	/* It has been in the list of processes long enough. */
	explicit_bzero(key, strlen(key));
	if (r < 0) {
		if (sut_streq(err.reason, "key-limit"))
			fputs("Key limit reached\n", stderr);
		return fail(&err);
	}
	puts("Server Registered");
	return SUT_EXIT_OK;
}

static int unregister(struct kcare *k _unused_, char *value _unused_)
{
	_cleanup_(json_decrefp) json_t *answer = NULL;
	struct sut_err err = {0};

	if (ask_network(json_pack("{s:s}", "verb", "unregister"), NULL, &answer, &err) < 0)
		return fail(&err);
	if (unlink(agent_path(ask_root(), SYSTEMID).s) < 0 && errno != ENOENT) {
		(void)!sut_err_errno(&err, SYSTEMID);
		return fail(&err);
	}
	puts("Server Unregistered");
	return SUT_EXIT_OK;
}

static int license_info(struct kcare *k _unused_, char *value _unused_)
{
	_cleanup_(halves_release) struct halves h = {0};

	halves_read(ask_root(), &h);
	if (!h.network)
		return fail(&h.network_err);
	if (!show_bool(h.network, "registered")) {
		show(NULL, "Server is not registered");
		return SUT_EXIT_ERROR;
	}
	show(NULL, "Server is registered at %s as %s, feed %s", show_string(h.network, "portal"),
	     show_string(h.network, "system_id"), show_string(h.network, "feed"));
	return SUT_EXIT_OK;
}

/* ------------------------------------------------------------------ choices */

static int sticky(struct kcare *k _unused_, char *value)
{
	struct choice c = {.pin = CHOICE_PIN_DATE};

	if (sut_streq(value, "KEY"))
		return instead(
			"dates of a key are not there: give the key a feed of its own in the "
			"portal, and hold patches back in the feed");
	if (!*value)
		c.pin = CHOICE_PIN_NONE;
	else if (!kcare_date(value, c.pin_date)) {
		fprintf(stderr, "kcarectl: '%s' is no date; write DDMMYY, DDMMYYYY or YYYY-MM-DD\n",
			value);
		return SUT_EXIT_USAGE;
	}
	return choose("kcarectl", "pin", &c, false);
}

/* "a:b;c" */
static int tag(struct kcare *k _unused_, char *value)
{
	struct choice *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return fail(&(struct sut_err){.code = ENOMEM, .msg = "out of memory"});
	for (char *save = NULL, *t = strtok_r(value, ";", &save); t;
	     t = strtok_r(NULL, ";", &save)) {
		if (!choice_tag_valid(t) || c->ntags == CHOICE_TAGS_MAX) {
			fprintf(stderr,
				"kcarectl: '%s' cannot be a tag here; write at most %d as name or "
				"name:value, with ';' between them\n",
				t, CHOICE_TAGS_MAX);
			free(c);
			return SUT_EXIT_USAGE;
		}
		snprintf(c->tags[c->ntags++], sizeof(c->tags[0]), "%s", t);
	}
	r = choose("kcarectl", "tags", c, false);
	free(c);
	return r;
}

static int doctor(struct kcare *k, char *value _unused_)
{
	_cleanup_(json_decrefp) json_t *checks = NULL;
	struct sut_err err = {0};
	char path[256];

	if (!k->quiet)
		puts("Generating report...");
	if (doctor_report(NULL, true, path, &checks, &err) < 0)
		return fail(&err);
	printf("The report is in %s. Nothing was sent.\n", path);
	return SUT_EXIT_OK;
}

/* ------------------------------------------------------------------ what is not there */

static int prefix(struct kcare *k _unused_, char *value _unused_)
{
	return instead(
		"other sources of patches are feeds here: register with a key of the feed that "
		"is meant, or choose another one in the portal");
}

static int patch_type(struct kcare *k _unused_, char *value)
{
	if (sut_streq(value, "default") || !*value)
		return SUT_EXIT_OK;
	return instead("there are no extra or free patches: what there is comes from the feed");
}

static int import_key(struct kcare *k _unused_, char *value _unused_)
{
	return instead("patches are signed with Ed25519 keys: put the vendor's public key into "
		       "/etc/suture/keys.d, as NAME.pub");
}

static int monitoring_key(struct kcare *k _unused_, char *value _unused_)
{
	return instead("there are no IP licences here: monitoring reads the metrics "
		       "(docs/formats/truth.md) or the portal");
}

static int lib_update(struct kcare *k, char *value)
{
	if (value && *value && !sut_streq(value, "libs"))
		return instead(
			"there are patches of libraries and programs: write libs, or nothing");
	return kcare_lib_update(k->quiet);
}

static int lib_auto_update(struct kcare *k, char *value)
{
	struct agent_conf *conf = calloc(1, sizeof(*conf));
	struct sut_err err = {0};
	bool wanted;
	int r = conf ? agent_conf_read(ask_root(), conf, &err) : sut_err_oom(&err);

	wanted = !r && conf->libraries && conf->policy.update != AGENT_UPDATE_MANUAL;
	free(conf);
	if (r < 0)
		return fail(&err);
	return wanted ? lib_update(k, value) : SUT_EXIT_OK;
}

static int lib_unload(struct kcare *k, char *value _unused_)
{
	return kcare_lib_unload(k->quiet);
}

static int lib_info(struct kcare *k _unused_, char *value _unused_)
{
	return kcare_lib_info();
}

static int lib_patch_info(struct kcare *k _unused_, char *value _unused_)
{
	return kcare_lib_patch_info();
}

static int enable_libcare(struct kcare *k, char *value _unused_)
{
	return kcare_libcare(true, k->quiet);
}

static int disable_libcare(struct kcare *k, char *value _unused_)
{
	return kcare_libcare(false, k->quiet);
}

/* How tasks are stopped is not for anybody to choose: see the header of the engine. */
static int no_effect(struct kcare *k _unused_, char *value _unused_)
{
	return SUT_EXIT_OK;
}

static int quiet(struct kcare *k, char *value _unused_)
{
	k->quiet = true;
	return SUT_EXIT_OK;
}

static int autoretry(struct kcare *k, char *value _unused_)
{
	k->autoretry = true;
	return SUT_EXIT_OK;
}

static const struct option_row rows[] = {
	/* what prepares comes first, whatever the order */
	{"quiet", 'q', NOTHING, quiet},
	{"register-autoretry", 0, NOTHING, autoretry},
	{"force", 0, NOTHING, no_effect},
	{"freezer", 0, REQUIRED, no_effect},
	{"info", 'i', NOTHING, info},
	{"update", 'u', NOTHING, update},
	{"smart-update", 0, NOTHING, update},
	{"auto-update", 0, NOTHING, auto_update},
	{"update-debug", 0, NOTHING, update},
	{"unload", 0, NOTHING, unload},
	{"patch-info", 0, NOTHING, patch_info},
	{"status", 0, NOTHING, status},
	{"check", 0, NOTHING, check},
	{"uname", 0, NOTHING, safe_uname},
	{"license-info", 0, NOTHING, license_info},
	{"register", 0, REQUIRED, do_register},
	{"unregister", 0, NOTHING, unregister},
	{"set-sticky-patch", 0, REQUIRED, sticky},
	{"tag", 0, REQUIRED, tag},
	{"version", 0, NOTHING, version},
	{"kernel-id", 0, NOTHING, kernel_id},
	{"doctor", 0, NOTHING, doctor},
	{"test", 0, NOTHING, prefix},
	{"prefix", 0, REQUIRED, prefix},
	{"set-patch-type", 0, REQUIRED, patch_type},
	{"import-key", 0, REQUIRED, import_key},
	{"set-monitoring-key", 0, REQUIRED, monitoring_key},
	{"userspace-update", 0, OPTIONAL, lib_update},
	{"lib-update", 0, NOTHING, lib_update},
	{"lib-auto-update", 0, NOTHING, lib_auto_update},
	{"lib-unload", 0, NOTHING, lib_unload},
	{"lib-info", 0, NOTHING, lib_info},
	{"lib-patch-info", 0, NOTHING, lib_patch_info},
	{"enable-libcare", 0, NOTHING, enable_libcare},
	{"disable-libcare", 0, NOTHING, disable_libcare},
};

static void usage(FILE *f)
{
	static const char *const values[] = {"", " VALUE", " [VALUE]"};

	fprintf(f,
		"usage: kcarectl OPTION...\n\n"
		"The options of KernelCare, done by Suture; see kcarectl(8), and suture --help for\n"
		"what it can do beyond.\n\n");
	for (size_t i = 0; i < SUT_ARRAY_SIZE(rows); i++) {
		char letter[8] = "    ";

		if (rows[i].letter)
			snprintf(letter, sizeof(letter), "-%c, ", rows[i].letter);
		fprintf(f, "  %s--%s%s\n", letter, rows[i].name, values[rows[i].value]);
	}
	fprintf(f,
		"\nExit status of --status: 0 the latest level, 1 nothing is applied, 2 something newer\n"
		"is not applied, 3 the kernel is not supported. Of --check: 0 there is something new,\n"
		"1 there is not. Else 0 done, 1 error, 64 usage.\n");
}

/* The row of "--name", "--name=value" or "-x"; NULL. *ret_value: what stands behind "=". */
static const struct option_row *find(char *arg, char **ret_value)
{
	size_t n = strcspn(arg, "=");

	for (size_t i = 0; i < SUT_ARRAY_SIZE(rows); i++) {
		const struct option_row *r = &rows[i];

		if (r->letter && arg[0] == '-' && arg[1] == r->letter && !arg[2]) {
			*ret_value = NULL;
			return r;
		}
		if (sut_startswith(arg, "--") && n == strlen(r->name) + 2 &&
		    !memcmp(arg + 2, r->name, n - 2) && (!arg[n] || r->value != NOTHING)) {
			*ret_value = arg[n] ? arg + n + 1 : NULL;
			return r;
		}
	}
	return NULL;
}

/* Runs all options of the table's first rows, then the others; first: which of both. */
static int run(struct kcare *k, int argc, char **argv, bool first)
{
	int exit = SUT_EXIT_OK;

	for (int i = 1; i < argc && exit == SUT_EXIT_OK; i++) {
		char *value;
		const struct option_row *r = find(argv[i], &value);
		bool prepares =
			r && (r->run == quiet || r->run == autoretry || r->run == no_effect);

		if (!r) {
			fprintf(stderr, "kcarectl: there is no option '%s'\n\n", argv[i]);
			usage(stderr);
			return SUT_EXIT_USAGE;
		}
		if (!value && r->value != NOTHING && i + 1 < argc &&
		    (r->value == REQUIRED || argv[i + 1][0] != '-'))
			value = argv[++i];
		if (!value && r->value == REQUIRED) {
			fprintf(stderr, "kcarectl: --%s needs a value\n", r->name);
			return SUT_EXIT_USAGE;
		}
		if (prepares == first)
			exit = r->run(k, value);
	}
	return exit;
}

int kcarectl(int argc, char **argv)
{
	struct kcare k = {0};
	int exit;

	if (argc > 1 && (sut_streq(argv[1], "--help") || sut_streq(argv[1], "-h"))) {
		usage(stdout);
		return SUT_EXIT_OK;
	}
	if (argc < 2) {
		usage(stderr);
		return SUT_EXIT_USAGE;
	}
	exit = run(&k, argc, argv, true);
	return exit == SUT_EXIT_OK ? run(&k, argc, argv, false) : exit;
}

int kcare_uname(int argc, char **argv)
{
	const char *bad = "";
	struct uname_of u;
	char text[1024];
	int what;

	if (argc > 1 && sut_streq(argv[1], "--version"))
		return version(NULL, NULL);
	if (argc > 1 && sut_streq(argv[1], "--help")) {
		puts("usage: kcare-uname [-asnrvmpio]\n\n"
		     "uname(1) with the version that is in effect (suture uname). Without an option: -s.");
		return SUT_EXIT_OK;
	}
	what = uname_options(argc, argv, &bad);
	if (what < 0) {
		fprintf(stderr, "kcare-uname: there is no option '%s'\n", bad);
		return SUT_EXIT_USAGE;
	}
	read_uname(&u);
	uname_text(&u, what ? (unsigned int)what : UNAME_KERNEL, text, sizeof(text));
	show(NULL, "%s", text);
	return SUT_EXIT_OK;
}
