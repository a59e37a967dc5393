// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include "sample_update.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "common/when.h"
#include "wire/wire.h"
#include "crypto/sha256.h"
#include "sutured/update.h"

enum { STATE_MAX = 16384 };

struct world world;
struct sut_err world_err;

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

void world_put(const char *root, const char *path, const void *data, size_t len)
{
	_cleanup_(sut_freep) char *file = sut_sprintf("%s/%s", root, path), *dir = NULL;

	dir = strndup(file, (size_t)(strrchr(file, '/') - file));
	assert_ok(sut_mkdir_p(dir, &world_err), world_err);
	assert_ok(sut_file_write(file, data, len, 0600, &world_err), world_err);
}

/* ------------------------------------------------------------------ */
/* The root half                                                        */

static void patch_bytes(uint32_t level, char ret[static 64])
{
	snprintf(ret, 64, "patch of level %u", level);
}

static const char *const lib_ids[WORLD_LIBS] = {WORLD_SSL, WORLD_EXPAT};
static const char *const lib_names[WORLD_LIBS] = {"libssl.so.3", "libexpat.so.1"};

static void lib_bytes(int lib, uint32_t level, char ret[static 64])
{
	snprintf(ret, 64, "patch of %s, level %u", lib_names[lib], level);
}

static void lib_sha256(int lib, uint32_t level, char ret[static SUT_SHA256_HEX])
{
	char bytes[64];

	lib_bytes(lib, level, bytes);
	sut_sha256_hex(bytes, strlen(bytes), ret);
}

static void libraries_text_of(char *text, size_t size)
{
	size_t len = 0;

	text[0] = 0;
	for (int i = 0; i < WORLD_LIBS; i++) {
		char sha256[SUT_SHA256_HEX];
		uint32_t level = world.lib[i].level;

		if (!level && !world.lib[i].unloaded)
			continue;
		lib_sha256(i, level, sha256);
		len += (size_t)snprintf(
			text + len, size - len,
			"%s{\"build_id\":\"%s\",\"name\":\"%s\",\"id\":\"%s%.0u\",\"level\":%u,"
			"\"sha256\":\"%s\",\"cves\":[],\"processes\":%u,\"patched\":%u,"
			"\"phase\":\"good\",\"unloaded\":%s}",
			len ? "," : "", lib_ids[i], lib_names[i], level ? "U" : "",
			level ? (unsigned int)(i + 1) * 10 + level : 0, level, level ? sha256 : "",
			level ? world.lib[i].processes : 0, level ? world.lib[i].processes : 0,
			world.lib[i].unloaded ? "true" : "false");
	}
}

static json_t *files_json(void)
{
	json_t *list = json_array();

	for (int i = 0; i < WORLD_LIBS; i++)
		if (world.lib[i].processes)
			json_array_append_new(
				list, json_pack("{s:s, s:s, s:i, s:b}", "build_id", lib_ids[i],
						"path", "/usr/lib/x", "processes",
						(int)world.lib[i].processes, "deleted", 0));
	return json_pack("{s:o}", "files", list);
}

/* What suture-apply makes of it: the level of the library whose patch has that hash. */
static void play_library(const char *verb, const json_t *request)
{
	const char *sha256 = json_string_value(json_object_get(request, "sha256"));
	const char *build_id = json_string_value(json_object_get(request, "build_id"));
	char is[SUT_SHA256_HEX];

	for (int i = 0; i < WORLD_LIBS; i++) {
		if (sut_streq(verb, "lib-unload") &&
		    (!build_id || sut_streq(build_id, lib_ids[i]))) {
			world.lib[i].level = 0;
			world.lib[i].unloaded = true;
		}
		for (uint32_t l = 1; sha256 && l < 10; l++) {
			lib_sha256(i, l, is);
			if (sut_streq(is, sha256)) {
				world.lib[i].level = l;
				world.lib[i].unloaded = false;
			}
		}
	}
}

static void state_text_of(char *text, size_t size)
{
	char libraries[2048];

	char bytes[64], sha256[SUT_SHA256_HEX], patch[256] = "null", at[WHEN_MAX];

	when_text(world.now, at);
	libraries_text_of(libraries, sizeof(libraries));
	patch_bytes(world.level, bytes);
	sut_sha256_hex(bytes, strlen(bytes), sha256);
	if (world.level)
		snprintf(patch, sizeof(patch),
			 "{\"id\":\"K%u\",\"level\":%u,\"sha256\":\"%s\",\"cves\":[]}", world.level,
			 world.level, sha256);
	snprintf(
		text, size,
		"{\"format\":\"suture-apply-state\",\"version\":1,\"at\":\"%s\",\"boot_id\":\"%s\","
		"\"kernel\":{\"release\":\"6.1.0-47-cloud-amd64\",\"arch\":\"x86_64\","
		"\"build_id\":\"" WORLD_BUILD "\"},\"switch\":{\"state\":\"normal\",\"by\":\"\"},"
		"\"support\":{\"state\":\"supported\"},\"patch\":%s,\"residue\":false,"
		"\"quarantined\":[%s],\"choice\":{\"mode\":\"normal\",\"pin\":null,\"hold\":null,"
		"\"tags\":[]},\"libraries\":[%s],%s}",
		at, world.boot_id, patch, world.lib_quarantined ? world.lib_quarantined : "",
		libraries, world.more);
}

void world_publish(void)
{
	char text[STATE_MAX];

	state_text_of(text, sizeof(text));
	world_put(world.root, AGENT_APPLY_STATE, text, strlen(text));
}

static json_t *state_json_of(void)
{
	char text[STATE_MAX];

	state_text_of(text, sizeof(text));
	return json_loads(text, 0, NULL);
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
	/* Who asks what is so changes nothing. */
	if (!sut_streq(verb, "status") && !sut_streq(verb, "lib-files") && h->n < WORLD_CALLS) {
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
			world.level = 0;
		if (sut_streq(verb, "apply"))
			world.level = (uint32_t)strtoul(h->verbs[WORLD_CALLS - 1], NULL, 10);
		if (sut_streq(verb, "lib-apply") || sut_streq(verb, "lib-unload"))
			play_library(verb, request);
		world_publish();
		(void)!wire_ok(fd,
			       sut_streq(verb, "status") ? state_json_of()
			       : sut_streq(verb, "lib-files")
				       ? files_json()
				       : json_pack("{s:{s:s}}", "result", "outcome", "applied"));
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
	struct agent_path path = agent_path(world.root, AGENT_APPLY_SOCKET);

	pthread_mutex_init(&h->lock, NULL);
	h->sealed = true;
	assert_ok(wire_listen(path.s, 0600, (gid_t)-1, &h->listener, &world_err), world_err);
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
const char *world_asked(void)
{
	static char text[256];
	struct half_played *h = &world.half;

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
	return world.repo->tuf->signed_[SUT_TUF_TARGETS];
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
void world_flush(void)
{
	for (size_t i = 0; i < world.repo->n; i++) {
		const struct sample_served *f = &world.repo->served[i];
		char name[512];

		snprintf(name, sizeof(name), "%s%s", f->name[0] == 'm' ? "metadata" : "targets",
			 f->name + 1);
		world_put(world.www, name, f->data.data, f->data.len);
	}
}

void world_release(uint32_t level)
{
	char bytes[64], path[128], latest[128], sha256[SUT_SHA256_HEX], sig[256];

	patch_bytes(level, bytes);
	sut_sha256_hex(bytes, strlen(bytes), sha256);
	snprintf(path, sizeof(path), "kernel/" WORLD_BUILD "/%u/kpatch.bin", level);
	snprintf(latest, sizeof(latest), "kernel/" WORLD_BUILD "/kpatch.bin");
	sample_repo_target(world.repo, targets(), path, bytes, strlen(bytes));
	sample_repo_target(world.repo, targets(), latest, bytes, strlen(bytes));
	custom(path, level);
	custom(latest, level);
	snprintf(sig, sizeof(sig), "targets/kernel/" WORLD_BUILD "/%u/%s.kpatch.bin.sig", level,
		 sha256);
	world_put(world.www, sig, "signature", 9);
	sample_repo_release(world.repo);
	world_flush();
	snprintf(world.half.verbs[WORLD_CALLS - 1], sizeof(world.half.verbs[0]), "%u", level);
}

void world_release_library(int lib, uint32_t level)
{
	char bytes[64], path[128], latest[128], sha256[SUT_SHA256_HEX], sig[256], id[16];

	lib_bytes(lib, level, bytes);
	lib_sha256(lib, level, sha256);
	snprintf(id, sizeof(id), "U%u", (unsigned int)(lib + 1) * 10 + level);
	snprintf(path, sizeof(path), "library/%s/%u/upatch.bin", lib_ids[lib], level);
	snprintf(latest, sizeof(latest), "library/%s/upatch.bin", lib_ids[lib]);
	for (int i = 0; i < 2; i++) {
		const char *at = i ? latest : path;

		sample_repo_target(world.repo, targets(), at, bytes, strlen(bytes));
		json_object_set_new(json_object_get(json_object_get(targets(), "targets"), at),
				    "custom",
				    json_pack("{s:s, s:I, s:s, s:s, s:[s]}", "id", id, "level",
					      (json_int_t)level, "soname", lib_names[lib],
					      "package_version", "1.0-1", "cves", "CVE-2026-0002"));
	}
	snprintf(sig, sizeof(sig), "targets/library/%s/%u/%s.upatch.bin.sig", lib_ids[lib], level,
		 sha256);
	world_put(world.www, sig, "signature", 9);
	sample_repo_release(world.repo);
	world_flush();
}

void world_stop_flag(const char *action)
{
	sample_repo_target(world.repo, targets(), "stop/flag.json", "{}", 2);
	json_object_set_new(
		json_object_get(json_object_get(targets(), "targets"), "stop/flag.json"), "custom",
		json_pack("{s:s, s:s}", "action", action, "reason", "NFS"));
	sample_repo_release(world.repo);
	world_flush();
}

/* ------------------------------------------------------------------ */

void world_told(const char *action, uint32_t level, const char *sha256)
{
	char bytes[64], right[SUT_SHA256_HEX], id[16], path[128];

	patch_bytes(level, bytes);
	sut_sha256_hex(bytes, strlen(bytes), right);
	snprintf(id, sizeof(id), "K%u", level);
	snprintf(path, sizeof(path), "kernel/" WORLD_BUILD "/%u/kpatch.bin", level);
	state_set(&world.n, "told",
		  json_pack("{s:s, s:s, s:I, s:s, s:s, s:I}", "action", action, "patchset", id,
			    "level", (json_int_t)level, "path", path, "sha256",
			    sha256 ? sha256 : right, "length", (json_int_t)strlen(bytes)));
}

void world_told_library(int lib, const char *action, uint32_t level)
{
	json_t *all = state_get(&world.n, "_told_libraries");
	char bytes[64], sha256[SUT_SHA256_HEX], id[16], path[128];

	if (!json_is_array(all)) {
		json_decref(all);
		all = json_array();
	}
	lib_bytes(lib, level, bytes);
	lib_sha256(lib, level, sha256);
	snprintf(id, sizeof(id), "U%u", (unsigned int)(lib + 1) * 10 + level);
	snprintf(path, sizeof(path), "library/%s/%u/upatch.bin", lib_ids[lib], level);
	json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:I, s:s, s:s, s:I}", "build_id",
					     lib_ids[lib], "action", action, "patchset", id,
					     "level", (json_int_t)level, "path", path, "sha256",
					     sha256, "length", (json_int_t)strlen(bytes)));
	state_set(&world.n, "_told_libraries", all);
}

void world_register(void)
{
	snprintf(world.n.id.system_id, sizeof(world.n.id.system_id), "7f3k9m2q4r8s1t5v");
	snprintf(world.n.id.portal, sizeof(world.n.id.portal), "http://127.0.0.1:1");
	world.n.id.heard_at = world.now;
}

int world_setup(void **state _unused_)
{
	const struct net_ops ops = {
		.now = clock_now, .boot = clock_boot, .random = dice, .ctx = &world};
	struct sut_httpd_opts web = {0};

	memset(&world, 0, sizeof(world));
	world.now = SAMPLE_TUF_NOW;
	world.boot = 1000;
	world.boot_id = WORLD_BOOT;
	world.more = "\"engine\":{\"state\":\"loaded\"},\"phase\":\"idle\",\"unloaded\":false";
	assert_ok(sut_tmpdir("sutured", &world.root, &world_err), world_err);
	assert_ok(sut_tmpdir("www", &world.www, &world_err), world_err);
	world.repo = sample_repo_new();
	world_flush();
	world_put(world.root, AGENT_ROOT_JSON,
		  sample_repo_served(world.repo, "m/1.root.json")->data,
		  sample_repo_served(world.repo, "m/1.root.json")->len);
	world_put(world.root, AGENT_NET_DIR "/x", "", 0);
	assert_ok(net_init(&world.n, world.root, &ops, &world_err), world_err);
	assert_ok(agent_conf_read(world.root, &world.n.conf, &world_err), world_err);
	memcpy(world.n.conf.proxy, "none", 5);
	sample_start(&world.web, &web, NULL);
	world.web.dirfd = open(world.www, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(world.n.conf.repository, sizeof(world.n.conf.repository),
		 "http://127.0.0.1:%u/file", world.web.port);
	world_publish();
	half_start(&world.half);
	world_register();
	update_part.init(&world.n);
	return 0;
}

int world_teardown(void **state _unused_)
{
	half_stop(&world.half);
	net_release(&world.n);
	sample_stop(&world.web);
	sample_repo_free(world.repo);
	assert_ok(sut_rm_rf(world.root, &world_err), world_err);
	assert_ok(sut_rm_rf(world.www, &world_err), world_err);
	free(world.root);
	free(world.www);
	return 0;
}

/* What it does by itself when it is due. */
void world_due(enum net_due what)
{
	struct task t = {.name = "test", .fd = -1};

	world.n.on_due[what](&world.n, &t);
}

static const char *lib_text(int lib, const char *part, const char *member)
{
	static char text[64];
	json_t *all = state_get(&world.n, "libraries"), *e;
	size_t i;

	text[0] = 0;
	json_array_foreach(all, i, e) {
		const json_t *v = json_object_get(e, part);
		const char *s = json_string_value(member ? json_object_get(v, member) : v);

		if (sut_streq(json_string_value(json_object_get(e, "build_id")), lib_ids[lib]))
			snprintf(text, sizeof(text), "%s", s ? s : "");
	}
	json_decref(all);
	return text;
}

const char *world_lib_state(int lib)
{
	return lib_text(lib, "state", NULL);
}

const char *world_lib_why(int lib)
{
	return lib_text(lib, "why", "code");
}

const char *world_state(void)
{
	static char text[64];

	state_text(&world.n, "state", NULL, text, sizeof(text));
	return text;
}

const char *world_why(void)
{
	static char text[64];

	state_text(&world.n, "why", "code", text, sizeof(text));
	return text;
}
