// SPDX-License-Identifier: Apache-2.0
/*
 * sutured brings a machine up to date: a repository that is served over HTTP and may say anything, a portal's word that may be
 * a lie, and a root half that answers as it likes.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "common/wire.h"
#include "crypto/sha256.h"
#include "sample_httpd.h"
#include "sample_repo.h"
#include "sutured/look.h"
#include "sutured/situation.h"

#define BUILD "6d1c0a52d53fbbd2a1d2a4b1c8ae2ecf43fb2a61"
#define BOOT "8b1e4c1a-0000-4000-8000-000000000001"

enum { CALLS = 32 };

/* The root half: what it was asked, and what it says. */
struct half_played {
	pthread_t thread;
	pthread_mutex_t lock;
	int listener, stop[2];
	char verbs[CALLS][16];
	json_t *requests[CALLS];
	size_t n;
	bool sealed;	    /* all files that came were */
	const char *refuse; /* this verb … */
	const char *reason; /* … with this reason; "hang-up": it is gone in the middle */
};

static struct world {
	struct half_played half;
	struct sample_httpd web;
	struct sample_repo *repo;
	struct net n;
	char *root, *www;
	int64_t now, boot;
	uint32_t level; /* of what runs; 0 */
	const char *boot_id;
	const char *more; /* members of the state of the root half */
} w;
static struct sut_err err;

static int64_t clock_now(void *ctx)
{
	return ((struct world *)ctx)->now;
}

static int64_t clock_boot(void *ctx)
{
	return ((struct world *)ctx)->boot;
}

static int dice(void *ctx _unused_, void *buf, size_t len)
{
	memset(buf, 0, len);
	return 0;
}

static void put(const char *root, const char *path, const void *data, size_t len)
{
	_cleanup_(sut_freep) char *file = sut_sprintf("%s/%s", root, path), *dir = NULL;

	dir = strndup(file, (size_t)(strrchr(file, '/') - file));
	assert_ok(sut_mkdir_p(dir, &err), err);
	assert_ok(sut_file_write(file, data, len, 0600, &err), err);
}

/* ------------------------------------------------------------------ */
/* The root half                                                        */

static void patch_bytes(uint32_t level, char ret[static 64])
{
	snprintf(ret, 64, "patch of level %u", level);
}

static void publish_state(void)
{
	char bytes[64], sha256[SUT_SHA256_HEX], patch[256] = "null", text[2048];

	patch_bytes(w.level, bytes);
	sut_sha256_hex(bytes, strlen(bytes), sha256);
	if (w.level)
		snprintf(patch, sizeof(patch),
			 "{\"id\":\"K%u\",\"level\":%u,\"sha256\":\"%s\",\"cves\":[]}", w.level,
			 w.level, sha256);
	snprintf(text, sizeof(text),
		 "{\"format\":\"suture-apply-state\",\"version\":1,\"boot_id\":\"%s\","
		 "\"kernel\":{\"release\":\"6.1.0-47-cloud-amd64\",\"arch\":\"x86_64\","
		 "\"build_id\":\"" BUILD "\"},\"switch\":{\"state\":\"normal\",\"by\":\"\"},"
		 "\"support\":{\"state\":\"supported\"},\"patch\":%s,\"residue\":false,"
		 "\"quarantined\":[],\"choice\":{\"mode\":\"normal\",\"pin\":null,\"hold\":null,"
		 "\"tags\":[]},%s}",
		 w.boot_id, patch, w.more);
	put(w.root, AGENT_APPLY_STATE, text, strlen(text));
}

static bool are_sealed(const struct wire_fds *fds)
{
	int all = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

	for (size_t i = 0; i < fds->n; i++)
		if ((fcntl(fds->v[i], F_GET_SEALS) & all) != all)
			return false;
	return fds->n == 2;
}

static void answer_call(struct half_played *h, int fd)
{
	_cleanup_(wire_fds_release) struct wire_fds fds = {0};
	json_t *request = NULL;
	const char *verb;
	struct sut_err no;

	if (wire_receive(fd, 5000, &request, &fds, NULL) < 0)
		return;
	verb = json_string_value(json_object_get(request, "verb"));
	pthread_mutex_lock(&h->lock);
	if (h->n < CALLS) {
		snprintf(h->verbs[h->n], sizeof(h->verbs[0]), "%s", verb);
		h->requests[h->n++] = json_incref(request);
	}
	if (fds.n)
		h->sealed = h->sealed && are_sealed(&fds);
	if (h->refuse && sut_streq(h->refuse, verb)) {
		if (!sut_streq(h->reason, "hang-up")) {
			sut_err_reason(&no, EPERM, h->reason, "the root half says no");
			(void)!wire_fail(fd, &no, NULL);
		}
	} else {
		if (sut_streq(verb, "unload"))
			w.level = 0;
		if (sut_streq(verb, "apply"))
			w.level = (uint32_t)strtoul(h->verbs[CALLS - 1], NULL, 10);
		publish_state();
		(void)!wire_ok(fd, json_pack("{s:{s:s}}", "result", "outcome", "applied"));
	}
	pthread_mutex_unlock(&h->lock);
	json_decref(request);
}

static void *play(void *arg)
{
	struct half_played *h = arg;

	for (;;) {
		struct pollfd p[2] = {{.fd = h->listener, .events = POLLIN},
				      {.fd = h->stop[0], .events = POLLIN}};
		int fd;

		if (poll(p, 2, -1) < 0 || p[1].revents)
			return NULL;
		fd = accept4(h->listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0) {
			answer_call(h, fd);
			close(fd);
		}
	}
}

static void half_start(struct half_played *h)
{
	struct agent_path path = agent_path(w.root, AGENT_APPLY_SOCKET);

	pthread_mutex_init(&h->lock, NULL);
	h->sealed = true;
	assert_ok(wire_listen(path.s, 0600, (gid_t)-1, &h->listener, &err), err);
	assert_int_equal(pipe(h->stop), 0);
	assert_int_equal(pthread_create(&h->thread, NULL, play, h), 0);
}

static void half_stop(struct half_played *h)
{
	assert_int_equal(write(h->stop[1], "x", 1), 1);
	pthread_join(h->thread, NULL);
	close(h->stop[0]);
	close(h->stop[1]);
	close(h->listener);
	for (size_t i = 0; i < h->n; i++)
		json_decref(h->requests[i]);
}

/* What it was asked since the last time, "stage apply". */
static const char *asked(void)
{
	static char text[256];
	struct half_played *h = &w.half;

	text[0] = 0;
	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < h->n; i++) {
		size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, "%s%s", i ? " " : "", h->verbs[i]);
		json_decref(h->requests[i]);
	}
	h->n = 0;
	pthread_mutex_unlock(&h->lock);
	return text;
}

/* ------------------------------------------------------------------ */
/* The repository                                                       */

static json_t *targets(void)
{
	return w.repo->tuf->signed_[SUT_TUF_TARGETS];
}

static void custom(const char *path, uint32_t level)
{
	json_t *entry = json_object_get(json_object_get(targets(), "targets"), path);
	char id[16];

	snprintf(id, sizeof(id), "K%u", level);
	json_object_set_new(entry, "custom",
			    json_pack("{s:s, s:I, s:s, s:s, s:[s]}", "id", id, "level",
				      (json_int_t)level, "target", "debian/6.1.0-47-cloud-amd64",
				      "arch", "x86_64", "cves", "CVE-2026-0001"));
}

/* All that is served, as files. */
static void flush(void)
{
	for (size_t i = 0; i < w.repo->n; i++) {
		const struct sample_served *f = &w.repo->served[i];
		char name[512];

		snprintf(name, sizeof(name), "%s%s", f->name[0] == 'm' ? "metadata" : "targets",
			 f->name + 1);
		put(w.www, name, f->data.data, f->data.len);
	}
}

static void release(uint32_t level)
{
	char bytes[64], path[128], latest[128], sha256[SUT_SHA256_HEX], sig[256];

	patch_bytes(level, bytes);
	sut_sha256_hex(bytes, strlen(bytes), sha256);
	snprintf(path, sizeof(path), "kernel/" BUILD "/%u/kpatch.bin", level);
	snprintf(latest, sizeof(latest), "kernel/" BUILD "/kpatch.bin");
	sample_repo_target(w.repo, targets(), path, bytes, strlen(bytes));
	sample_repo_target(w.repo, targets(), latest, bytes, strlen(bytes));
	custom(path, level);
	custom(latest, level);
	snprintf(sig, sizeof(sig), "targets/kernel/" BUILD "/%u/%s.kpatch.bin.sig", level, sha256);
	put(w.www, sig, "signature", 9);
	sample_repo_release(w.repo);
	flush();
	snprintf(w.half.verbs[CALLS - 1], sizeof(w.half.verbs[0]), "%u", level);
}

static void stop_flag(const char *action)
{
	sample_repo_target(w.repo, targets(), "stop/flag.json", "{}", 2);
	json_object_set_new(
		json_object_get(json_object_get(targets(), "targets"), "stop/flag.json"), "custom",
		json_pack("{s:s, s:s}", "action", action, "reason", "NFS"));
	sample_repo_release(w.repo);
	flush();
}

/* ------------------------------------------------------------------ */

static void told(const char *action, uint32_t level, const char *sha256)
{
	char bytes[64], right[SUT_SHA256_HEX], id[16], path[128];

	patch_bytes(level, bytes);
	sut_sha256_hex(bytes, strlen(bytes), right);
	snprintf(id, sizeof(id), "K%u", level);
	snprintf(path, sizeof(path), "kernel/" BUILD "/%u/kpatch.bin", level);
	state_set(&w.n, "told",
		  json_pack("{s:s, s:s, s:I, s:s, s:s, s:I}", "action", action, "patchset", id,
			    "level", (json_int_t)level, "path", path, "sha256",
			    sha256 ? sha256 : right, "length", (json_int_t)strlen(bytes)));
}

static void registered(void)
{
	snprintf(w.n.id.system_id, sizeof(w.n.id.system_id), "7f3k9m2q4r8s1t5v");
	snprintf(w.n.id.portal, sizeof(w.n.id.portal), "http://127.0.0.1:1");
	w.n.id.heard_at = w.now;
}

static int setup(void **state _unused_)
{
	const struct net_ops ops = {
		.now = clock_now, .boot = clock_boot, .random = dice, .ctx = &w};
	struct sut_httpd_opts web = {0};

	memset(&w, 0, sizeof(w));
	w.now = SAMPLE_TUF_NOW;
	w.boot = 1000;
	w.boot_id = BOOT;
	w.more = "\"engine\":{\"state\":\"loaded\"},\"phase\":\"idle\",\"unloaded\":false";
	assert_ok(sut_tmpdir("sutured", &w.root, &err), err);
	assert_ok(sut_tmpdir("www", &w.www, &err), err);
	w.repo = sample_repo_new();
	flush();
	put(w.root, AGENT_ROOT_JSON, sample_repo_served(w.repo, "m/1.root.json")->data,
	    sample_repo_served(w.repo, "m/1.root.json")->len);
	put(w.root, AGENT_NET_DIR "/x", "", 0);
	assert_ok(net_init(&w.n, w.root, &ops, &err), err);
	assert_ok(agent_conf_read(w.root, &w.n.conf, &err), err);
	memcpy(w.n.conf.proxy, "none", 5);
	sample_start(&w.web, &web, NULL);
	w.web.dirfd = open(w.www, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(w.n.conf.repository, sizeof(w.n.conf.repository), "http://127.0.0.1:%u/file",
		 w.web.port);
	publish_state();
	half_start(&w.half);
	registered();
	update_part.init(&w.n);
	return 0;
}

static int teardown(void **state _unused_)
{
	half_stop(&w.half);
	net_release(&w.n);
	sample_stop(&w.web);
	sample_repo_free(w.repo);
	assert_ok(sut_rm_rf(w.root, &err), err);
	assert_ok(sut_rm_rf(w.www, &err), err);
	free(w.root);
	free(w.www);
	return 0;
}

/* What it does by itself when it is due. */
static void due(enum net_due what)
{
	struct task t = {.name = "test", .fd = -1};

	w.n.on_due[what](&w.n, &t);
}

static const char *state_of(void)
{
	static char text[64];

	state_text(&w.n, "state", NULL, text, sizeof(text));
	return text;
}

static const char *why(void)
{
	static char text[64];

	state_text(&w.n, "why", "code", text, sizeof(text));
	return text;
}

/* ------------------------------------------------------------------ */

static void what_is_told_is_fetched_sealed_and_applied(void **state _unused_)
{
	release(1);
	told("apply", 1, NULL);
	due(NET_DUE_CHECK);
	assert_string_equal(asked(), "stage apply");
	assert_true(w.half.sealed);
	assert_int_equal(w.level, 1);
	assert_string_equal(state_of(), "current");
	due(NET_DUE_CHECK);
	due(NET_DUE_APPLY);
	assert_string_equal(asked(), "");
}

static void nothing_new_reads_two_small_files(void **state _unused_)
{
	char last[SAMPLE_LAST];
	unsigned int before;

	release(1);
	told("keep", 0, NULL);
	due(NET_DUE_CHECK);
	before = sample_done(&w.web, NULL);
	due(NET_DUE_CHECK);
	assert_int_equal(sample_done(&w.web, last) - before, 2);
	assert_string_equal(last, "GET /file/metadata/timestamp.json 200");
	/* And to decide reads nothing at all. */
	due(NET_DUE_APPLY);
	assert_int_equal(sample_done(&w.web, NULL) - before, 2);
	assert_string_equal(asked(), "");
}

static void a_portal_that_tells_another_hash_is_not_obeyed(void **state _unused_)
{
	char text[64];
	json_t *errors;

	release(1);
	told("apply", 1, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	due(NET_DUE_CHECK);
	assert_string_equal(asked(), "");
	assert_string_equal(state_of(), "failed");
	assert_string_equal(why(), "portal-differs");
	/* It hears of that, too. */
	errors = state_get(&w.n, "_errors");
	assert_non_null(json_object_get(errors, "portal-differs"));
	json_decref(errors);
	/* A path that leads elsewhere is no way around. */
	told("apply", 1, NULL);
	state_update(&w.n, "told", json_pack("{s:s}", "path", "kernel/" BUILD "/kpatch.bin"));
	due(NET_DUE_CHECK);
	assert_string_equal(asked(), "");
	snprintf(text, sizeof(text), "%s", why());
	assert_string_equal(text, "not-in-repository");
	told("apply", 1, NULL);
	due(NET_DUE_CHECK);
	assert_string_equal(asked(), "stage apply");
	errors = state_get(&w.n, "_errors");
	assert_null(json_object_get(errors, "portal-differs"));
	json_decref(errors);
}

static void what_the_root_half_refuses_is_tried_again_later(void **state _unused_)
{
	int64_t wait = 15 * 60;

	release(1);
	told("apply", 1, NULL);
	w.half.refuse = "stage";
	w.half.reason = "unknown-key";
	due(NET_DUE_CHECK);
	assert_string_equal(asked(), "stage");
	assert_string_equal(state_of(), "failed");
	assert_string_equal(why(), "unknown-key");
	for (int i = 0; i < 8; i++) {
		w.boot += wait - 1;
		due(NET_DUE_APPLY);
		due(NET_DUE_CHECK);
		assert_string_equal(asked(), "");
		assert_in_range(net_due_left(&w.n, NET_DUE_APPLY), 1, 3);
		w.boot += 1;
		due(NET_DUE_APPLY);
		assert_string_equal(asked(), "stage");
		wait = wait * 2 < 4 * 3600 ? wait * 2 : 4 * 3600;
	}
	/* The next boot is another occasion. */
	w.boot_id = "8b1e4c1a-0000-4000-8000-000000000002";
	w.boot = 10;
	publish_state();
	w.half.refuse = NULL;
	due(NET_DUE_APPLY);
	assert_string_equal(asked(), "stage apply");
	assert_string_equal(state_of(), "current");
}

static void a_root_half_that_dies_in_the_middle_is_asked_again(void **state _unused_)
{
	release(1);
	told("apply", 1, NULL);
	w.half.refuse = "apply";
	w.half.reason = "hang-up";
	due(NET_DUE_CHECK);
	assert_string_equal(asked(), "stage apply");
	assert_string_equal(state_of(), "failed");
	/* It had done its work before it died: then there is nothing more to do. */
	w.level = 1;
	publish_state();
	due(NET_DUE_APPLY);
	assert_string_equal(asked(), "");
	assert_string_equal(state_of(), "current");
}

static void without_a_root_half_nothing_is_fetched(void **state _unused_)
{
	struct agent_path path = agent_path(w.root, AGENT_APPLY_STATE);
	unsigned int before = sample_done(&w.web, NULL);

	release(1);
	told("apply", 1, NULL);
	assert_int_equal(unlink(path.s), 0);
	w.half.refuse = "status";
	w.half.reason = "error";
	due(NET_DUE_CHECK);
	assert_int_equal(sample_done(&w.web, NULL), before);
	assert_string_equal(state_of(), "unknown");
	assert_string_equal(why(), "root-half");
}

static void a_stop_flag_takes_out_what_runs_and_says_who_did(void **state _unused_)
{
	release(1);
	told("apply", 1, NULL);
	due(NET_DUE_CHECK);
	assert_string_equal(asked(), "stage apply");
	stop_flag("unload");
	due(NET_DUE_CHECK);
	assert_string_equal(asked(), "unload");
	assert_int_equal(w.level, 0);
	w.more = "\"engine\":{\"state\":\"loaded\"},\"phase\":\"idle\",\"unloaded\":true";
	publish_state();
	due(NET_DUE_CHECK);
	assert_string_equal(asked(), "");
	assert_string_equal(why(), "stop-flag");
	/* The flag is taken back: what it did is undone. */
	stop_flag("none");
	due(NET_DUE_CHECK);
	assert_string_equal(asked(), "stage apply");
}

static void an_unload_that_fails_is_not_asked_for_all_the_time(void **state _unused_)
{
	release(1);
	told("apply", 1, NULL);
	due(NET_DUE_CHECK);
	asked();
	stop_flag("unload");
	w.half.refuse = "unload";
	w.half.reason = "busy";
	due(NET_DUE_CHECK);
	assert_string_equal(asked(), "unload");
	due(NET_DUE_APPLY);
	due(NET_DUE_APPLY);
	assert_string_equal(asked(), "");
	assert_in_range(net_due_left(&w.n, NET_DUE_APPLY), 600, 1000);
	w.boot += 15 * 60;
	due(NET_DUE_APPLY);
	assert_string_equal(asked(), "unload");
}

static void a_clock_that_jumps_makes_a_delay_no_shorter(void **state _unused_)
{
	const int64_t right = w.now;

	release(1);
	told("apply", 1, NULL);
	w.n.conf.policy.delay_s = 86400;
	/* It was first seen when the clock was a year behind; then it is set. */
	w.now = right - 365 * SAMPLE_TUF_DAY;
	w.n.id.heard_at = w.now;
	due(NET_DUE_CHECK);
	assert_string_equal(asked(), "");
	assert_string_equal(why(), "delay");
	/* K1 does not say when it was made, so that is all that is known of it … */
	w.now = right - 364 * SAMPLE_TUF_DAY - 3600;
	w.n.id.heard_at = w.now;
	due(NET_DUE_CHECK);
	assert_string_equal(asked(), "");
	/* … and a time of first sight that lies in the future counts from now on. */
	w.now = right - 400 * SAMPLE_TUF_DAY;
	w.n.id.heard_at = w.now;
	release(2);
	told("apply", 2, NULL);
	due(NET_DUE_CHECK);
	w.now += 86000;
	w.n.id.heard_at = w.now;
	due(NET_DUE_CHECK);
	assert_string_equal(asked(), "");
	w.now += 500;
	due(NET_DUE_CHECK);
	assert_string_equal(asked(), "stage apply");
}

static void expired_metadata_and_a_wrong_clock_are_told_apart(void **state _unused_)
{
	release(1);
	told("keep", 0, NULL);
	due(NET_DUE_CHECK);
	told("apply", 1, NULL);
	/* The sample expires after a day; the server's clock is right. */
	w.now += 3000 * SAMPLE_TUF_DAY;
	w.n.id.heard_at = w.now;
	due(NET_DUE_CHECK);
	assert_string_equal(asked(), "");
	assert_string_equal(state_of(), "pending");
	assert_string_equal(why(), "clock");
	w.now = (int64_t)time(NULL) + 60;
	w.n.id.heard_at = w.now;
	due(NET_DUE_CHECK);
	assert_string_equal(asked(), "");
	assert_string_equal(why(), "metadata-expired");
}

static void rolled_back_metadata_change_nothing(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf old = SUT_BUF_INIT(1 << 20);
	struct sut_buf *served;
	char code[64];

	release(1);
	served = sample_repo_served(w.repo, "m/timestamp.json");
	assert_int_equal(sut_buf_add(&old, served->data, served->len), 0);
	release(2);
	told("keep", 0, NULL);
	due(NET_DUE_CHECK);
	put(w.www, "metadata/timestamp.json", old.data, old.len);
	told("apply", 2, NULL);
	due(NET_DUE_CHECK);
	/* What was verified before is still true; only, it cannot be fetched now. */
	assert_int_equal(w.level, 0);
	state_text(&w.n, "_check", "code", code, sizeof(code));
	assert_string_equal(code, "rollback");
	assert_in_range(net_due_left(&w.n, NET_DUE_CHECK), 1, 15 * 60 + 1);
	flush();
	w.boot += 15 * 60;
	due(NET_DUE_CHECK);
	assert_int_equal(w.level, 2);
}

static void a_look_that_fails_is_tried_again_less_and_less_often(void **state _unused_)
{
	int64_t wait = 15 * 60;

	snprintf(w.n.conf.repository, sizeof(w.n.conf.repository), "http://127.0.0.1:1/none");
	told("keep", 0, NULL);
	for (int i = 0; i < 7; i++) {
		due(NET_DUE_CHECK);
		assert_in_range(net_due_left(&w.n, NET_DUE_CHECK), wait, wait + 2);
		wait = wait * 2 < 4 * 3600 ? wait * 2 : 4 * 3600;
	}
	assert_string_equal(why(), "repository-silent");
	told("apply", 1, NULL);
	due(NET_DUE_APPLY);
	assert_string_equal(state_of(), "pending");
}

static void damaged_trust_is_made_anew_and_only_then(void **state _unused_)
{
	release(1);
	told("keep", 0, NULL);
	due(NET_DUE_CHECK);
	put(w.root, AGENT_TUF "/root.json", "{", 1);
	due(NET_DUE_CHECK);
	assert_int_equal(state_int(&w.n, "check", "failures", -1), 0);
	/* A server that sends nonsense gets nothing forgotten. */
	put(w.www, "metadata/2.root.json", "{", 1);
	due(NET_DUE_CHECK);
	assert_int_equal(state_int(&w.n, "check", "failures", -1), 1);
	assert_true(sut_exists(agent_path(w.root, AGENT_TUF "/snapshot.json").s));
}

static void a_probation_is_ended_in_time(void **state _unused_)
{
	w.more = "\"engine\":{\"state\":\"loaded\"},\"phase\":\"probation\","
		 "\"probation\":{\"seconds_left\":640,\"seconds\":900},\"unloaded\":false";
	release(1);
	told("apply", 1, NULL);
	due(NET_DUE_CHECK);
	asked();
	assert_in_range(net_due_left(&w.n, NET_DUE_SETTLE), 640, 642);
	/* The file is not written every second: what was set stays. */
	w.boot += 300;
	due(NET_DUE_APPLY);
	assert_in_range(net_due_left(&w.n, NET_DUE_SETTLE), 340, 342);
	w.more = "\"engine\":{\"state\":\"loaded\"},\"phase\":\"idle\",\"unloaded\":false";
	due(NET_DUE_SETTLE);
	assert_string_equal(asked(), "settle");
	assert_int_equal(net_due_left(&w.n, NET_DUE_SETTLE), -1);
}

static void what_was_known_is_known_after_a_restart(void **state _unused_)
{
	const struct net_ops ops = w.n.ops;
	struct agent_conf conf = w.n.conf;
	struct identity id = w.n.id;

	release(1);
	told("apply", 1, NULL);
	w.half.refuse = "apply";
	w.half.reason = "conflict";
	due(NET_DUE_CHECK);
	asked();
	state_save(&w.n);
	net_release(&w.n);
	assert_ok(net_init(&w.n, w.root, &ops, &err), err);
	w.n.conf = conf;
	w.n.id = id;
	state_load(&w.n);
	update_part.init(&w.n);
	/* Not tried again because of that. */
	due(NET_DUE_APPLY);
	assert_string_equal(asked(), "");
	assert_string_equal(why(), "conflict");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(what_is_told_is_fetched_sealed_and_applied),
		T(nothing_new_reads_two_small_files),
		T(a_portal_that_tells_another_hash_is_not_obeyed),
		T(what_the_root_half_refuses_is_tried_again_later),
		T(a_root_half_that_dies_in_the_middle_is_asked_again),
		T(without_a_root_half_nothing_is_fetched),
		T(a_stop_flag_takes_out_what_runs_and_says_who_did),
		T(an_unload_that_fails_is_not_asked_for_all_the_time),
		T(a_clock_that_jumps_makes_a_delay_no_shorter),
		T(expired_metadata_and_a_wrong_clock_are_told_apart),
		T(rolled_back_metadata_change_nothing),
		T(a_look_that_fails_is_tried_again_less_and_less_often),
		T(damaged_trust_is_made_anew_and_only_then),
		T(a_probation_is_ended_in_time),
		T(what_was_known_is_known_after_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
