// SPDX-License-Identifier: Apache-2.0
/*
 * One update of a client, from root 1 to root 3, with new online keys, a delegated role and a
 * target, in which everything goes wrong once:
 *
 *   killed before its 1st, 2nd, 3rd … system call,
 *   the 1st, 2nd, 3rd … call that changes files fails (no space left; input/output error),
 *   the 1st, 2nd, 3rd … allocation fails.
 *
 * Each time: the client says success only when everything is right; every file it leaves is, byte
 * for byte, one that was published; and the next run, with nothing in its way, succeeds and ends in the
 * same state as one that was never disturbed.
 *
 *   torture [SCENARIO]...
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "fault.h"
#include "http/http.h"
#include "server.h"
#include "sim.h"
#include "tuf/client.h"

static const char target[] = "kernel/ab/kpatch.bin";

struct scene {
	struct sim *sim;
	struct server *server;
	char *dir, *old, *metadata, *targets; /* old: the client's folder before the update */
	char *metadata_url, *targets_url;
	bool resumed; /* half of the target is there from an earlier run */
	bool rotated; /* the online keys changed, so their files may go for a moment */
	char good[256][SUT_DIGEST_HEX_MAX];
	size_t ngood;
};

__attribute__((format(printf, 1, 2))) static void explain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("  ", stdout);
	vprintf(fmt, ap);
	putchar('\n');
	va_end(ap);
}

/* --- the client, in the child --- */

static int update(void *arg)
{
	_cleanup_(sut_tuf_client_freep) struct sut_tuf_client *c = NULL;
	_cleanup_(sut_http_freep) struct sut_http *http = NULL;
	const struct scene *s = arg;
	struct sut_tuf_client_opts o = {
		.metadata_dir = s->metadata,
		.metadata_url = s->metadata_url,
		.targets_url = s->targets_url,
		.now = s->sim->now,
	};
	struct sut_tuf_target t;
	struct sut_err err = {0};
	char *path = NULL;
	int r = sut_http_new(NULL, &http, &err);

	if (r == 0) {
		o.fetcher = sut_tuf_fetch_http(http);
		r = sut_tuf_client_new(&o, &c, &err);
	}
	if (r == 0)
		r = sut_tuf_refresh(c, &err);
	if (r == 0)
		r = sut_tuf_find(c, target, &t, &err);
	if (r == 0)
		r = sut_tuf_download(c, &t, s->targets, &path, &err);
	free(path);
	if (r < 0 && getenv("TORTURE_VERBOSE")) /* for whoever looks for a mistake */
		fprintf(stderr, "  %s\n", err.msg);
	/* What failed must say so. */
	return r == 0 ? 0 : err.msg[0] && err.code == -r ? 1 : 77;
}

/* --- the folders --- */

static void must(int r, const struct sut_err *err)
{
	if (r < 0)
		sim_die("%s", err->msg);
}

static void write_file(const char *dir, const char *name, const void *data, size_t len)
{
	char *path = sim_str("%s/%s", dir, name);
	struct sut_err err = {0};

	must(sut_file_write(path, data, len, 0644, &err), &err);
	free(path);
}

static void reset(const struct scene *s)
{
	struct sut_err err = {0};
	struct dirent *e;
	DIR *d;

	must(sut_rm_rf(s->metadata, &err), &err);
	must(sut_rm_rf(s->targets, &err), &err);
	must(sut_mkdir_p(s->metadata, &err), &err);
	must(sut_mkdir_p(s->targets, &err), &err);
	d = opendir(s->old);
	while (d && (e = readdir(d))) {
		_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(8 << 20);
		char *path = sim_str("%s/%s", s->old, e->d_name);

		if (e->d_type == DT_REG) {
			must(sut_file_read(path, &b, &err), &err);
			write_file(s->metadata, e->d_name, b.data, b.len);
		}
		free(path);
	}
	if (d)
		closedir(d);
	if (s->resumed) {
		const struct sim_artifact *a = &s->sim->artifacts[0];
		char *name = sim_str("%s.part", sim_quote(target));

		write_file(s->targets, name, a->data, a->len / 2);
		free(name);
	}
}

static bool same(const struct sut_buf *b, const void *data, size_t len)
{
	return b->len == len && (len == 0 || memcmp(b->data, data, len) == 0);
}

static bool was_published(const struct scene *s, const char *name, const struct sut_buf *b)
{
	for (size_t i = 0; i < s->sim->nroles; i++) {
		const struct sim_role *r = &s->sim->roles[i];
		char *file = sim_str("%s.json", r->name);
		bool mine = sut_streq(file, name);

		free(file);
		for (size_t j = 0; mine && j < r->nfiles; j++)
			if (same(b, r->files[j].data, r->files[j].len))
				return true;
	}
	return false;
}

static bool ends_json(const char *name)
{
	return sut_endswith(name, ".json");
}

/* Every file that a client would believe is one that was published. */
static bool sound(const struct scene *s)
{
	struct dirent *e;
	bool ok = true;
	DIR *d = opendir(s->metadata);

	while (d && (e = readdir(d))) {
		_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(8 << 20);
		char *path = sim_str("%s/%s", s->metadata, e->d_name);
		struct sut_err err = {0};

		if (e->d_type == DT_REG && ends_json(e->d_name)) {
			must(sut_file_read(path, &b, &err), &err);
			if (!was_published(s, e->d_name, &b)) {
				explain("%s was never published", e->d_name);
				ok = false;
			}
		}
		free(path);
	}
	if (d)
		closedir(d);
	return ok;
}

/* The newest of everything, the target, and nothing else. */
static bool complete(const struct scene *s)
{
	static const char *const roles[] = {"root", "timestamp", "snapshot", "targets", "kernel"};
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(8 << 20);
	const struct sim_artifact *a = &s->sim->artifacts[0];
	struct sut_err err = {0};
	struct dirent *e;
	char *path;
	DIR *d;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(roles); i++) {
		const struct sim_file *f = sim_last(s->sim, roles[i]);

		path = sim_str("%s/%s.json", s->metadata, roles[i]);
		sut_buf_release(&b);
		if (sut_file_read(path, &b, &err) < 0 || !same(&b, f->data, f->len)) {
			explain("%s.json is not the newest", roles[i]);
			return false;
		}
		free(path);
	}
	path = sim_str("%s/%s", s->targets, sim_quote(target));
	sut_buf_release(&b);
	if (sut_file_read(path, &b, &err) < 0 || !same(&b, a->data, a->len)) {
		explain("the target is not what was published");
		return false;
	}
	free(path);
	for (int i = 0; i < 2; i++) {
		const char *dir = i ? s->targets : s->metadata;
		size_t n = 0;

		d = opendir(dir);
		while (d && (e = readdir(d)))
			n += e->d_type == DT_REG && e->d_name[0] != '.';
		if (d)
			closedir(d);
		if (n != (i ? 1 : SUT_ARRAY_SIZE(roles))) {
			explain("%zu files in %s: something was left behind", n, dir);
			return false;
		}
	}
	return true;
}

static int run(struct scene *s, const struct fault_plan *plan, struct fault_result *ret)
{
	server_lend(s->server);
	fault_run(update, s, plan, ret);
	server_take(s->server);
	server_forget(s->server);
	return ret->status;
}

/* Nothing was lost that stands against a rollback: a fault must not look like a bad file. */
static bool kept(const struct scene *s)
{
	static const char *const files[] = {"root.json", "timestamp.json", "snapshot.json"};
	bool ok = true;

	for (size_t i = 0; i < (s->rotated ? 1 : SUT_ARRAY_SIZE(files)); i++) {
		char *path = sim_str("%s/%s", s->metadata, files[i]);

		if (!sut_exists(path)) {
			explain("%s was lost", files[i]);
			ok = false;
		}
		free(path);
	}
	return ok;
}

/* A digest of all that is in both folders. */
static void state_of(const struct scene *s, char ret[static SUT_DIGEST_HEX_MAX])
{
	_cleanup_(sut_digest_freep) struct sut_digest *all = NULL;
	struct sut_err err = {0};

	must(sut_digest_new(SUT_DIGEST_SHA256, &all, &err), &err);
	for (int i = 0; i < 2; i++) {
		const char *dir = i ? s->targets : s->metadata;
		struct dirent **names;
		int n = scandir(dir, &names, NULL, alphasort);

		for (int j = 0; j < n; j++) {
			_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(8 << 20);
			char *path = sim_str("%s/%s", dir, names[j]->d_name);

			must(sut_digest_add(all, path, strlen(path) + 1, &err), &err);
			if (names[j]->d_type == DT_REG)
				must(sut_file_read(path, &b, &err), &err);
			must(sut_digest_add(all, b.data ? b.data : (const void *)"", b.len, &err),
			     &err);
			free(path);
			free(names[j]);
		}
		if (n >= 0)
			free(names);
	}
	must(sut_digest_hex(all, ret, &err), &err);
}

/* States from which an undisturbed run was seen to succeed: few, and met again and again. */
static bool known_good(struct scene *s, const char *state)
{
	for (size_t i = 0; i < s->ngood; i++)
		if (sut_streq(s->good[i], state))
			return true;
	return false;
}

static bool recovers(struct scene *s)
{
	char state[SUT_DIGEST_HEX_MAX];
	struct fault_result r;

	state_of(s, state);
	if (known_good(s, state))
		return true;
	if (run(s, &(struct fault_plan){0}, &r) != 0) {
		explain("the next run ended with %d", r.status);
		return false;
	}
	if (!complete(s))
		return false;
	if (s->ngood < SUT_ARRAY_SIZE(s->good))
		memcpy(s->good[s->ngood++], state, sizeof(state));
	return true;
}

/* --- scenarios --- */

static struct scene *scene(bool rotated, bool resumed)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct sut_err err = {0};
	struct fault_result r;
	char *text;

	if (!s)
		sim_die("out of memory");
	must(sut_tmpdir("torture", &s->dir, &err), &err);
	/* Reading an ECDSA key takes OpenSSL a thousand allocations, of the same few kinds. */
	sim_usual_key = SIM_ED25519;
	s->sim = sim_new(0);
	s->sim->hashes = true;
	s->server = server_start(s->sim);
	s->old = sim_str("%s/old", s->dir);
	s->metadata = sim_str("%s/metadata", s->dir);
	s->targets = sim_str("%s/targets", s->dir);
	s->metadata_url = sim_str("http://127.0.0.1:%d/metadata/", server_port(s->server));
	s->targets_url = sim_str("http://127.0.0.1:%d/targets/", server_port(s->server));
	text = calloc(1, 100001);
	if (!text)
		sim_die("out of memory");
	for (int i = 0; i < 100000; i++)
		text[i] = (char)('a' + i % 23);

	/* What the client has: everything in version 1, and an older target. */
	sim_delegate(s->sim, "targets", "kernel", "kernel/*/*", 0);
	sim_target(s->sim, "kernel", target, "the old patch");
	sim_release(s->sim, "kernel");
	must(sut_mkdir_p(s->metadata, &err), &err);
	must(sut_mkdir_p(s->targets, &err), &err);
	must(sut_tuf_init(s->metadata, sim_nth(s->sim, "root", 0)->data,
			  sim_nth(s->sim, "root", 0)->len, &err),
	     &err);
	if (run(s, &(struct fault_plan){0}, &r) != 0)
		sim_die("the first update ended with %d", r.status);
	if (rename(s->metadata, s->old) < 0)
		sim_die("rename: %s", strerror(errno));

	/* What it is to get. */
	s->sim->nartifacts = 0;
	if (rotated) {
		struct sim_key *old_root = sim_signer(s->sim, "root", 0);

		sim_rotate(s->sim, "root");
		sim_sign_with(s->sim, "root", old_root);
		sim_publish(s->sim, "root");
		sim_rotate(s->sim, "timestamp");
		sim_rotate(s->sim, "snapshot");
		sim_publish(s->sim, "root");
	}
	s->rotated = rotated;
	sim_target(s->sim, "kernel", target, text);
	sim_release(s->sim, "kernel");
	s->resumed = resumed;
	free(text);
	return s;
}

struct scenario {
	const char *name;
	enum fault_kind kind;
	int error;
	bool rotated, resumed;
};

/* Everything that must hold after the fault number n. */
static bool holds(struct scene *s, const struct scenario *sc, uint64_t n,
		  const struct fault_result *first)
{
	bool good = first->status == 0 || first->status == 1 ||
		    (sc->kind == FAULT_KILL && first->status == -9);

	if (!good)
		explain("ended with %d", first->status);
	good = sound(s) && good;
	if (first->status == 0 && !complete(s)) {
		explain("success was reported, and it was none");
		good = false;
	}
	good = kept(s) && good;
	good = recovers(s) && good;
	if (!good)
		explain("%s: fault %llu, system call %ld", sc->name, (unsigned long long)n,
			first->nr);
	return good;
}

static bool everywhere(const struct scenario *sc)
{
	struct scene *s = scene(sc->rotated, sc->resumed);
	struct fault_plan plan = {.kind = sc->kind == FAULT_ALLOC ? FAULT_ALLOC : FAULT_NONE};
	struct fault_result r;
	struct sut_err err = {0};
	uint64_t max, bad = 0, failed = 0;

	reset(s);
	if (run(s, &plan, &r) != 0 || !complete(s))
		sim_die("the undisturbed update ended with %d", r.status);
	max = sc->kind == FAULT_ALLOC ? r.allocs : sc->kind == FAULT_KILL ? r.syscalls : r.changes;
	for (uint64_t n = 1; n <= max && bad < 5; n++) {
		plan = (struct fault_plan){.kind = sc->kind, .n = n, .error = sc->error};
		reset(s);
		run(s, &plan, &r);
		failed += r.status != 0;
		bad += !holds(s, sc, n, &r);
	}
	/* A fault that nobody ever notices is no fault. */
	if (failed * 4 < max) {
		explain("of %llu faults only %llu made a difference", (unsigned long long)max,
			(unsigned long long)failed);
		bad++;
	}
	explain("%llu places, %llu times the update failed", (unsigned long long)max,
		(unsigned long long)failed);
	must(sut_rm_rf(s->dir, &err), &err);
	return bad == 0;
}

static const struct scenario scenarios[] = {
	{"killed-before-every-system-call", FAULT_KILL, 0, false, false},
	{"killed-while-keys-change", FAULT_KILL, 0, true, false},
	{"killed-while-resuming-a-download", FAULT_KILL, 0, false, true},
	{"no-space-left-at-every-change-of-a-file", FAULT_ERROR, ENOSPC, true, false},
	{"input-output-error-at-every-change-of-a-file", FAULT_ERROR, EIO, false, false},
	{"no-memory-at-every-allocation", FAULT_ALLOC, 0, false, false},
	{"no-memory-while-keys-change", FAULT_ALLOC, 0, true, true},
};

int main(int argc, char **argv)
{
	int bad = 0;

	/* Thousands of runs that make every file durable: in memory they take seconds. */
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 0);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(scenarios); i++) {
		bool wanted = argc == 1;

		for (int j = 1; j < argc; j++)
			wanted |= sut_streq(argv[j], scenarios[i].name);
		if (!wanted)
			continue;
		if (everywhere(&scenarios[i])) {
			printf("ok tuf/torture/%s\n", scenarios[i].name);
		} else {
			printf("not ok tuf/torture/%s\n", scenarios[i].name);
			bad = 1;
		}
		fflush(stdout);
	}
	return bad;
}
