// SPDX-License-Identifier: Apache-2.0
#include "machine_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "kernel/exit.h"

enum { FILE_MAX = 1 << 20, PANIC_EXIT = 134, PAUSE_NS = 812345 };

static struct agent_path file_of(const char *root)
{
	return agent_path(root, "/machine.json");
}

static int load(const char *root, json_t **ret, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(FILE_MAX);
	struct agent_path file = file_of(root);
	int r = sut_file_read(file.s, &b, err);

	if (r < 0)
		return r;
	*ret = json_loadb((const char *)b.data, b.len, JSON_REJECT_DUPLICATES, NULL);
	return *ret ? 0 : sut_err_set(err, EBADMSG, "%s is no JSON", file.s);
}

/* Not durable: what is tested is not the file of the machine. */
static int save(const char *root, const json_t *j, struct sut_err *err)
{
	struct agent_path file = file_of(root);
	_cleanup_(sut_freep) char *tmp = sut_sprintf("%s.new", file.s);

	if (json_dump_file(j, tmp, JSON_INDENT(1)) < 0 || rename(tmp, file.s) < 0)
		return sut_err_errno(err, "cannot write %s", file.s);
	return 0;
}

static const char *text(const json_t *j, const char *name)
{
	const char *s = json_string_value(json_object_get(j, name));

	return s ? s : "";
}

static int64_t number(const json_t *j, const char *name)
{
	return json_integer_value(json_object_get(j, name));
}

static int64_t now_of(const json_t *j)
{
	return time(NULL) + number(j, "ahead");
}

static json_t *fresh_uuid(void)
{
	uint8_t b[16];
	char hex[33], uuid[37];

	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		abort();
	sut_hex(b, sizeof(b), hex);
	snprintf(uuid, sizeof(uuid), "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
		 hex + 20);
	return json_string(uuid);
}

/* ------------------------------------------------------------------ */
/* what scripts do to it                                               */

int machine_file_new(const char *root, const char *build_id, struct sut_err *err)
{
	json_t *j = json_pack(
		"{s:s,s:s,s:s,s:s,s:o,s:s,s:I,s:i,s:s,s:s,s:s,s:{s:b,s:b,s:s,s:i,s:b},s:n,s:b,s:[],"
		"s:s,s:{}}",
		"release", "6.1.0-47-cloud-amd64", "arch", "x86_64", "build_id",
		build_id ? build_id : MACHINE_FILE_BUILD_ID, "kernel_id",
		"0a4d55a8d778e5022fab701977c5d840bbc486d0", "boot_id", fresh_uuid(), "product_uuid",
		"4c4c4544-0042-3510-8051-b4c04f4d5331", "booted_at", (json_int_t)time(NULL),
		"ahead", 0, "cmdline", "root=/dev/vda1 ro quiet", "support", "supported",
		"support_what", "", "engine", "loaded", 0, "installed", 1, "version", "0.1.0",
		"abi", 1, "signed_only", 0, "patch", "damaged", 0, "messages", "pstore", "",
		"fail");
	int r = sut_mkdir_p(root, err);

	if (r == 0)
		r = save(root, j, err);
	json_decref(j);
	return r;
}

int machine_file_boot(const char *root, const char *cmdline, struct sut_err *err)
{
	struct agent_path run = agent_path(root, AGENT_RUN);
	json_t *j = NULL;
	int r = load(root, &j, err);

	if (r < 0)
		return r;
	json_object_set_new(j, "boot_id", fresh_uuid());
	json_object_set_new(j, "booted_at", json_integer(now_of(j)));
	json_object_set_new(j, "patch", json_null());
	json_object_set_new(j, "damaged", json_false());
	json_object_set_new(j, "messages", json_array());
	json_object_set_new(json_object_get(j, "engine"), "loaded", json_false());
	if (cmdline)
		json_object_set_new(j, "cmdline", json_string(cmdline));
	r = save(root, j, err);
	json_decref(j);
	return r < 0 ? r : sut_rm_rf(run.s, err);
}

static void set_panic(json_t *j, const char *words)
{
	json_object_set_new(j, "pstore", json_string(words));
	json_object_set_new(j, "patch", json_null());
}

int machine_file_panic(const char *root, const char *words, struct sut_err *err)
{
	json_t *j = NULL;
	int r = load(root, &j, err);

	if (r < 0)
		return r;
	set_panic(j, words);
	r = save(root, j, err);
	json_decref(j);
	return r;
}

int machine_file_say(const char *root, const char *said, struct sut_err *err)
{
	json_t *j = NULL;
	int r = load(root, &j, err);

	if (r < 0)
		return r;
	json_array_append_new(json_object_get(j, "messages"),
			      json_pack("{s:I,s:s}", "us",
					(json_int_t)(now_of(j) - number(j, "booted_at")) * 1000000,
					"text", said));
	r = save(root, j, err);
	json_decref(j);
	return r;
}

int machine_file_ahead(const char *root, int64_t seconds, struct sut_err *err)
{
	json_t *j = NULL;
	int r = load(root, &j, err);

	if (r < 0)
		return r;
	json_object_set_new(j, "ahead", json_integer(number(j, "ahead") + seconds));
	r = save(root, j, err);
	json_decref(j);
	return r;
}

/* The object that holds the last word of key; that word in *ret. */
static json_t *holder(json_t *j, const char *key, const char **ret)
{
	const char *dot = strchr(key, '.');

	*ret = dot ? dot + 1 : key;
	if (!dot)
		return j;
	return json_object_getn(j, key, (size_t)(dot - key));
}

int machine_file_set(const char *root, const char *key, const char *json, struct sut_err *err)
{
	json_t *j = NULL, *in, *v = json_loads(json, JSON_DECODE_ANY, NULL);
	const char *name;
	int r = load(root, &j, err);

	if (r < 0 || !v) {
		json_decref(j);
		json_decref(v);
		return r < 0 ? r : sut_err_set(err, EINVAL, "'%s' is no JSON", json);
	}
	in = holder(j, key, &name);
	if (json_is_null(v) && sut_startswith(key, "fail.")) {
		(void)!json_object_del(in, name);
		json_decref(v);
	} else if (json_object_set_new(in, name, v) < 0) {
		r = sut_err_set(err, EINVAL, "there is no '%s'", key);
	}
	if (r == 0)
		r = save(root, j, err);
	json_decref(j);
	return r;
}

int machine_file_get(const char *root, const char *key, json_t **ret, struct sut_err *err)
{
	json_t *j = NULL, *v;
	const char *name;
	int r = load(root, &j, err);

	if (r < 0)
		return r;
	v = key ? holder(j, key, &name) : j;
	if (key)
		v = json_object_get(v, name);
	if (v)
		*ret = json_incref(v);
	else
		r = sut_err_set(err, ENOENT, "there is no '%s'", key);
	json_decref(j);
	return r;
}

/* ------------------------------------------------------------------ */
/* what suture-apply asks of it                                        */

/* How an operation is to fail; "" when it is not. "once:HOW" is forgotten by that. */
static void failure(const char *root, json_t *j, const char *operation, char ret[static 64])
{
	json_t *fail = json_object_get(j, "fail");
	const char *how = text(fail, operation);
	bool once = sut_startswith(how, "once:");

	snprintf(ret, 64, "%s", once ? how + strlen("once:") : how);
	if (once) {
		json_object_del(fail, operation);
		(void)!save(root, j, NULL);
	}
}

static int file_kernel(void *ctx, struct machine_kernel *ret, struct sut_err *err)
{
	struct machine_kernel k = {0};
	json_t *j = NULL;
	int r = load(ctx, &j, err);

	if (r < 0)
		return r;
	snprintf(k.release, sizeof(k.release), "%s", text(j, "release"));
	snprintf(k.arch, sizeof(k.arch), "%s", text(j, "arch"));
	snprintf(k.build_id, sizeof(k.build_id), "%s", text(j, "build_id"));
	snprintf(k.kernel_id, sizeof(k.kernel_id), "%s", text(j, "kernel_id"));
	snprintf(k.boot_id, sizeof(k.boot_id), "%s", text(j, "boot_id"));
	snprintf(k.product_uuid, sizeof(k.product_uuid), "%s", text(j, "product_uuid"));
	snprintf(k.cmdline, sizeof(k.cmdline), "%s", text(j, "cmdline"));
	k.uptime_s = now_of(j) - number(j, "booted_at");
	json_decref(j);
	*ret = k;
	return 0;
}

static int file_support(void *ctx, enum machine_support *ret, char what[256], struct sut_err *err)
{
	static const char *const words[] = {"supported", "container", "arch", "foreign"};
	json_t *j = NULL;
	int r = load(ctx, &j, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(words); i++)
		if (sut_streq(text(j, "support"), words[i]))
			*ret = (enum machine_support)i;
	snprintf(what, 256, "%s", text(j, "support_what"));
	json_decref(j);
	return 0;
}

static int file_patch(void *ctx, struct machine_patch *ret, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf names = SUT_BUF_INIT(FILE_MAX);
	struct machine_patch m = {0};
	const json_t *p, *f;
	json_t *j = NULL;
	size_t i;
	int r = load(ctx, &j, err);

	if (r < 0)
		return r;
	p = json_object_get(j, "patch");
	if (json_is_object(p)) {
		m.applied = true;
		snprintf(m.id, sizeof(m.id), "%s", text(p, "id"));
		m.level = (uint32_t)number(p, "level");
		m.applied_at = number(p, "applied_at");
		m.pause_ns = (uint64_t)number(p, "pause_ns");
		json_array_foreach(json_object_get(p, "functions"), i, f)
			r |= sut_buf_addf(&names, "%s\n", json_string_value(f));
		m.functions = strdup(sut_buf_str(&names));
	}
	json_decref(j);
	if (r < 0 || (m.applied && !m.functions)) {
		machine_patch_release(&m);
		return sut_err_oom(err);
	}
	*ret = m;
	return 0;
}

static int file_engine(void *ctx, struct machine_engine *ret, struct sut_err *err)
{
	struct machine_engine e = {0};
	const json_t *m;
	json_t *j = NULL;
	int r = load(ctx, &j, err);

	if (r < 0)
		return r;
	m = json_object_get(j, "engine");
	e.loaded = json_is_true(json_object_get(m, "loaded"));
	e.installed = json_is_true(json_object_get(m, "installed"));
	e.signed_only = json_is_true(json_object_get(m, "signed_only"));
	if (e.loaded) {
		snprintf(e.version, sizeof(e.version), "%s", text(m, "version"));
		e.abi = (uint32_t)number(m, "abi");
	}
	json_decref(j);
	*ret = e;
	return 0;
}

static int no_engine(struct sut_err *err)
{
	return sut_err_reason(
		err, ENOENT, "no-engine",
		"the engine suture.ko is not loaded and not installed for this kernel");
}

static int load_engine(const char *root, json_t *j, bool given, struct sut_err *err)
{
	json_t *e = json_object_get(j, "engine");
	char how[64];

	if (json_is_true(json_object_get(e, "loaded")))
		return 0;
	failure(root, j, "engine_load", how);
	if (sut_streq(how, "refused"))
		return sut_err_reason(err, EKEYREJECTED, "engine-refused",
				      "the kernel only loads signed modules, and suture.ko is not "
				      "signed by a key it trusts");
	if (!given && !json_is_true(json_object_get(e, "installed")))
		return no_engine(err);
	json_object_set_new(e, "loaded", json_true());
	return save(root, j, err);
}

static int file_engine_load(void *ctx, const struct sut_buf *ko, struct sut_err *err)
{
	json_t *j = NULL;
	int r = load(ctx, &j, err);

	if (r == 0)
		r = load_engine(ctx, j, ko != NULL, err);
	json_decref(j);
	return r;
}

/* ------------------------------------------------------------------ */

static int finish(struct sut_report *rep, int r)
{
	rep->exit = r < 0 ? sut_report_exit(&rep->err) : SUT_EXIT_OK;
	return r;
}

static int refuse(struct sut_report *rep, uint32_t outcome, int code)
{
	rep->result.outcome = outcome;
	rep->result.offset = 5;
	rep->result.expected = 0x41;
	rep->result.found = 0xcc;
	snprintf(rep->result.func, sizeof(rep->result.func), "unix_ioctl");
	if (outcome == SUTURE_E_BUSY) {
		rep->result.nbusy = 1;
		rep->result.busy[0] = (struct suture_busy_task){
			.pid = 4711, .comm = "nginx", .func = "unix_ioctl"};
	}
	return sut_report_explain(&rep->result, code, &rep->err);
}

/* Failures that verify, apply and revert have in common. 0: none of them. */
static int fail_as(struct sut_report *rep, const char *how)
{
	if (sut_streq(how, "mismatch"))
		return refuse(rep, SUTURE_E_MISMATCH, EILSEQ);
	if (sut_streq(how, "changed"))
		return refuse(rep, SUTURE_E_CHANGED, EILSEQ);
	if (sut_streq(how, "busy"))
		return refuse(rep, SUTURE_E_BUSY, EBUSY);
	if (sut_streq(how, "conflict")) {
		rep->conflicts.v = calloc(1, sizeof(*rep->conflicts.v));
		rep->conflicts.n = 1;
		rep->conflicts.v[0] = (struct sut_conflict){
			.kind = "livepatch",
			.fatal = true,
			.function = "unix_ioctl",
			.what = "the kernel livepatch other replaces unix_ioctl"};
		return sut_err_reason(
			&rep->err, EBUSY, "conflict",
			"1 conflict with the patch. Remove what is listed below, then "
			"try again");
	}
	return 0;
}

/* Is the running code what this patch was built against? */
static int compare(const char *root, json_t *j, const char *operation, struct sut_report *rep)
{
	char how[64];
	int r;

	failure(root, j, operation, how);
	r = fail_as(rep, how);
	if (r == 0 && json_is_true(json_object_get(j, "damaged")))
		r = refuse(rep, SUTURE_E_MISMATCH, EILSEQ);
	if (r < 0)
		return r;
	rep->verified = true;
	rep->compared = 29;
	rep->ignored = 7;
	rep->result.nfuncs = 3;
	return 0;
}

static int file_verify(void *ctx, const struct sut_loaded *l _unused_, struct sut_report *rep)
{
	json_t *j = NULL;
	const json_t *e;
	int r = load(ctx, &j, &rep->err);

	if (r < 0)
		return finish(rep, r);
	e = json_object_get(j, "engine");
	if (!json_is_true(json_object_get(e, "loaded")) &&
	    !json_is_true(json_object_get(e, "installed")))
		r = no_engine(&rep->err);
	if (r == 0)
		r = compare(ctx, j, "verify", rep);
	if (r == 0)
		rep->outcome = "verified";
	json_decref(j);
	return finish(rep, r);
}

static void go_down(const char *root, json_t *j)
{
	set_panic(j, "dmesg-efi-175000000001\nPanic#1 Part1\n<1>BUG: unable to handle page fault "
		     "in unix_ioctl [suture_k20261121_01]\n");
	(void)!save(root, j, NULL);
	_exit(PANIC_EXIT);
}

static void set_patch(json_t *j, const struct sut_loaded *l)
{
	const struct sut_manifest *m = l->manifest;
	json_t *names = json_array();

	for (size_t i = 0; i < l->object->nfunctions; i++)
		json_array_append_new(names, json_string(l->object->functions[i].name));
	json_object_set_new(j, "patch",
			    json_pack("{s:s,s:I,s:I,s:i,s:o}", "id", m->id, "level",
				      (json_int_t)m->level, "applied_at", (json_int_t)now_of(j),
				      "pause_ns", PAUSE_NS, "functions", names));
}

static int apply(const char *root, json_t *j, const struct sut_loaded *l, bool force,
		 struct sut_report *rep)
{
	const struct sut_manifest *m = l->manifest;
	const json_t *p = json_object_get(j, "patch");
	char how[64];
	int r = load_engine(root, j, false, &rep->err);

	if (r < 0)
		return r;
	if (json_is_object(p)) {
		snprintf(rep->before.id, sizeof(rep->before.id), "%s", text(p, "id"));
		rep->before.level = (uint32_t)number(p, "level");
		if (sut_streq(rep->before.id, m->id) && rep->before.level == m->level) {
			rep->outcome = "already-applied";
			return 0;
		}
		if (!force && m->level <= rep->before.level)
			return sut_err_reason(&rep->err, EEXIST, "lower-level",
					      "%s (level %u) is applied and the patch has level %u",
					      rep->before.id, rep->before.level, m->level);
	}
	failure(root, j, "apply", how);
	r = fail_as(rep, how);
	if (r < 0)
		return r;
	if (sut_streq(how, "panic"))
		go_down(root, j);
	if (sut_streq(how, "kill-before"))
		raise(SIGKILL);
	rep->attempts = 1;
	rep->result.nfuncs = (uint32_t)l->object->nfunctions;
	rep->result.pause_ns = PAUSE_NS;
	rep->result.stop_ns = PAUSE_NS + 1000;
	rep->outcome = "applied";
	if (rep->dry_run)
		return 0;
	set_patch(j, l);
	r = save(root, j, &rep->err);
	if (sut_streq(how, "kill-after"))
		raise(SIGKILL);
	return r;
}

static int file_apply(void *ctx, const struct sut_loaded *l, bool force, bool dry_run,
		      struct sut_report *rep)
{
	json_t *j = NULL;
	int r = load(ctx, &j, &rep->err);

	rep->dry_run = dry_run;
	if (r == 0)
		r = apply(ctx, j, l, force, rep);
	json_decref(j);
	return finish(rep, r);
}

static int revert(const char *root, json_t *j, struct sut_report *rep)
{
	const json_t *p = json_object_get(j, "patch");
	char how[64];
	int r;

	if (!json_is_object(p)) {
		rep->outcome = "nothing-applied";
		return 0;
	}
	snprintf(rep->before.id, sizeof(rep->before.id), "%s", text(p, "id"));
	rep->before.level = (uint32_t)number(p, "level");
	failure(root, j, "revert", how);
	r = fail_as(rep, how);
	if (r < 0)
		return r;
	if (sut_streq(how, "panic"))
		go_down(root, j);
	if (sut_streq(how, "kill-before"))
		raise(SIGKILL);
	if (sut_streq(how, "residue"))
		json_object_set_new(j, "damaged", json_true());
	rep->attempts = 1;
	rep->result.nfuncs = 1;
	rep->result.pause_ns = PAUSE_NS;
	rep->outcome = "reverted";
	json_object_set_new(j, "patch", json_null());
	r = save(root, j, &rep->err);
	if (sut_streq(how, "kill-after"))
		raise(SIGKILL);
	return r;
}

static int file_revert(void *ctx, struct sut_report *rep)
{
	json_t *j = NULL;
	int r = load(ctx, &j, &rep->err);

	if (r == 0)
		r = revert(ctx, j, rep);
	json_decref(j);
	return finish(rep, r);
}

static int file_messages(void *ctx, uint64_t since_us, struct sut_buf *out, struct sut_err *err)
{
	const json_t *m;
	json_t *j = NULL;
	size_t i;
	int r = load(ctx, &j, err);

	if (r < 0)
		return r;
	json_array_foreach(json_object_get(j, "messages"), i, m)
		if (r == 0 && (uint64_t)number(m, "us") >= since_us)
			r = sut_buf_addf(out, "%s\n", text(m, "text"));
	json_decref(j);
	return r;
}

static int file_remains(void *ctx, struct sut_buf *out, struct sut_err *err)
{
	json_t *j = NULL;
	int r = load(ctx, &j, err);

	if (r == 0)
		r = sut_buf_addstr(out, text(j, "pstore"));
	json_decref(j);
	return r;
}

static const char *clock_root;

static int64_t file_now(void)
{
	json_t *j = NULL;
	int64_t now = time(NULL);

	if (load(clock_root, &j, NULL) == 0)
		now = now_of(j);
	json_decref(j);
	return now;
}

int machine_file_use(struct apply *a, struct sut_err *err)
{
	json_t *j = NULL;
	int r = load(a->root, &j, err);

	json_decref(j);
	if (r < 0)
		return sut_err_prefix(err,
				      "make a machine with 'machine new ROOT', and give --root");
	clock_root = a->root;
	a->now = file_now;
	a->machine = (struct machine){
		.ctx = (void *)(uintptr_t)a->root,
		.kernel = file_kernel,
		.support = file_support,
		.patch = file_patch,
		.engine = file_engine,
		.engine_load = file_engine_load,
		.verify = file_verify,
		.apply = file_apply,
		.revert = file_revert,
		.messages = file_messages,
		.remains = file_remains,
	};
	return 0;
}
