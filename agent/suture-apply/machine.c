// SPDX-License-Identifier: Apache-2.0
#include "machine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "kernel/change.h"
#include "kernel/conflict.h"
#include "kernel/engine.h"
#include "kernel/kernel.h"
#include "kernel/session.h"

enum {
	TEXT_MAX = 1 << 20,
	KMSG_RECORD_MAX = 8192, /* bytes; the kernel gives at most CONSOLE_EXT_LOG_MAX */
	SLACK_US = 1000000,	/* the two clocks are not read at one moment */
	REMAINS_MAX = 16,	/* files of pstore that are looked into */
	REMAIN_BYTES = 2048,	/* of each */
};

void machine_patch_release(struct machine_patch *p)
{
	free(p->functions);
	p->functions = NULL;
}

/* ------------------------------------------------------------------ */
/* reading                                                             */

static int read_at(const char *root, const char *path, struct sut_buf *b, struct sut_err *err)
{
	_cleanup_(sut_freep) char *file = sut_sprintf("%s%s", root, path);

	return file ? sut_file_read(file, b, err) : sut_err_oom(err);
}

/* The first line, cut to len. "" when there is none. */
static bool line_at(const char *root, const char *path, char *ret, size_t len)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(TEXT_MAX);

	*ret = 0;
	if (read_at(root, path, &b, NULL) < 0)
		return false;
	snprintf(ret, len, "%.*s", (int)strcspn(sut_buf_str(&b), "\n"), sut_buf_str(&b));
	return true;
}

static bool is_there(const char *root, const char *path)
{
	_cleanup_(sut_freep) char *file = sut_sprintf("%s%s", root, path);

	return file && sut_exists(file);
}

static void keep_words(char *s, const char *allowed)
{
	for (; *s; s++)
		if (!strchr(allowed, *s))
			*s = '?';
}

static int kernel_id(const char *root, char ret[static 41], struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(TEXT_MAX);
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned int n;
	int r = read_at(root, "/proc/version", &b, err);

	if (r < 0)
		return r;
	if (!EVP_Digest(sut_buf_str(&b), b.len, md, &n, EVP_sha1(), NULL) || n != 20)
		return sut_err_set(err, EIO, "cannot compute the kernel's id");
	sut_hex(md, n, ret);
	return 0;
}

static int64_t clock_us(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int real_kernel(void *ctx, struct machine_kernel *ret, struct sut_err *err)
{
	const char *root = ctx;
	struct machine_kernel k = {0};
	struct sut_kernel kernel;
	int r = sut_kernel_read(&kernel, err);

	if (r == 0)
		r = kernel_id(root, k.kernel_id, err);
	if (r < 0)
		return r;
	snprintf(k.release, sizeof(k.release), "%s", kernel.release);
	snprintf(k.arch, sizeof(k.arch), "%s", kernel.machine);
	sut_hex(kernel.build_id, sizeof(kernel.build_id), k.build_id);
	if (!line_at(root, "/proc/sys/kernel/random/boot_id", k.boot_id, sizeof(k.boot_id)) ||
	    !line_at(root, "/proc/cmdline", k.cmdline, sizeof(k.cmdline)))
		return sut_err_set(err, EIO,
				   "cannot read the boot id or command line of the kernel. Is "
				   "/proc mounted?");
	(void)!line_at(root, "/sys/class/dmi/id/product_uuid", k.product_uuid,
		       sizeof(k.product_uuid));
	keep_words(k.product_uuid, "0123456789abcdefABCDEF-");
	k.uptime_s = clock_us(CLOCK_BOOTTIME) / 1000000;
	*ret = k;
	return 0;
}

/* ------------------------------------------------------------------ */
/* can this machine be patched                                         */

/* Signs that container managers leave (systemd.io/CONTAINER_INTERFACE); and where our root is not the
 * kernel's, modules are not for us to load. */
static bool in_container(const char *root, char what[static 256])
{
	static const char *const signs[] = {"/run/systemd/container", "/run/host/container-manager",
					    "/.dockerenv", "/run/.containerenv"};
	char map[128];
	unsigned long inside, outside, count;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(signs); i++)
		if (is_there(root, signs[i])) {
			snprintf(what, 256,
				 "this is a container (%s), and its kernel is patched on the host",
				 signs[i]);
			return true;
		}
	if (is_there(root, "/proc/vz") && !is_there(root, "/proc/bc")) {
		snprintf(what, 256,
			 "this is a container of OpenVZ, and its kernel is patched on the host");
		return true;
	}
	if (!line_at(root, "/proc/self/uid_map", map, sizeof(map)))
		return false;
	if (sscanf(map, "%lu %lu %lu", &inside, &outside, &count) == 3 &&
	    (outside != 0 || count < UINT32_MAX)) {
		snprintf(what, 256,
			 "root is not the kernel's root here (a user namespace); the kernel is "
			 "patched on the host");
		return true;
	}
	return false;
}

static int real_support(void *ctx, enum machine_support *ret, char what[256], struct sut_err *err)
{
	const char *root = ctx;
	_cleanup_(sut_conflicts_release) struct sut_conflicts others = {0};
	_cleanup_buf_ struct sut_buf modules = SUT_BUF_INIT(TEXT_MAX);
	struct sut_kernel k;
	int r;

	if (in_container(root, what)) {
		*ret = MACHINE_CONTAINER;
		return 0;
	}
	r = sut_kernel_read(&k, err);
	if (r < 0)
		return r;
	if (!sut_streq(k.machine, "x86_64")) {
		snprintf(what, 256, "there is no engine for %s yet", k.machine);
		*ret = MACHINE_ARCH;
		return 0;
	}
	if (read_at(root, "/proc/modules", &modules, NULL) == 0) {
		r = sut_conflict_modules(sut_buf_str(&modules), &others, err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < others.n; i++)
		if (others.v[i].fatal) {
			snprintf(what, 256, "%s", others.v[i].what);
			*ret = MACHINE_FOREIGN;
			return 0;
		}
	*ret = MACHINE_SUPPORTED;
	return 0;
}

/* ------------------------------------------------------------------ */
/* engine and patch                                                    */

static bool signed_only(const char *root)
{
	char text[256];

	/* "none [integrity] confidentiality": the one in force stands in brackets. */
	if (line_at(root, "/sys/kernel/security/lockdown", text, sizeof(text)) &&
	    strchr(text, '[') && !strstr(text, "[none]"))
		return true;
	return line_at(root, "/sys/module/module/parameters/sig_enforce", text, sizeof(text)) &&
	       *text == 'Y';
}

static int real_engine(void *ctx, struct machine_engine *ret, struct sut_err *err)
{
	static const char *const folders[] = {"updates/dkms", "updates", "extra"};
	const char *root = ctx;
	struct machine_engine e = {.signed_only = signed_only(root)};
	struct sut_kernel k;
	char abi[32];
	uint64_t n = 0;
	int r = sut_kernel_read(&k, err);

	if (r < 0)
		return r;
	e.loaded = line_at(root, "/sys/kernel/suture/version", e.version, sizeof(e.version));
	if (line_at(root, "/sys/kernel/suture/abi", abi, sizeof(abi)) &&
	    sut_parse_u64(abi, UINT32_MAX, &n) == 0)
		e.abi = (uint32_t)n;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(folders); i++) {
		char path[256];

		snprintf(path, sizeof(path), "/lib/modules/%s/%s/suture.ko", k.release, folders[i]);
		e.installed |= is_there(root, path);
	}
	*ret = e;
	return 0;
}

static int real_engine_load(void *ctx, const struct sut_buf *ko, struct sut_err *err)
{
	struct sut_engine e = SUT_ENGINE_INIT;
	struct sut_err why = {0};
	int r = ko ? sut_engine_get_data(&e, "suture.ko", ko->data, ko->len, &why)
		   : sut_engine_get(&e, NULL, &why);

	sut_engine_put(&e, false);
	if (r >= 0)
		return 0;
	if (r == -EKEYREJECTED || r == -ENOKEY || r == -EBADMSG ||
	    (r == -EPERM && signed_only(ctx)))
		return sut_err_reason(err, EKEYREJECTED, "engine-refused", "%s", why.msg);
	if (err)
		*err = why;
	return r;
}

static int functions(const char *root, char **ret, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(TEXT_MAX);
	char *s;

	/* Nothing is decided by the names. */
	(void)!read_at(root, "/sys/kernel/suture/functions", &b, NULL);
	s = strdup(sut_buf_str(&b));
	if (!s)
		return sut_err_oom(err);
	for (char *p = s; *p; p++)
		if (*p == ' ' || *p == '\t')
			*p = '\n';
	*ret = s;
	return 0;
}

static int real_patch(void *ctx, struct machine_patch *ret, struct sut_err *err)
{
	struct machine_patch p = {0};
	struct sut_engine e = SUT_ENGINE_INIT;
	struct suture_status st;
	struct sut_err why = {0};
	int r = sut_engine_open(&e, &why);

	if (r == 0)
		r = sut_engine_status(&e, &st, &why);
	sut_engine_put(&e, false);
	if (r == -ENOENT) {
		*ret = p;
		return 0;
	}
	if (r < 0) {
		if (err)
			*err = why;
		return r;
	}
	if (st.applied) {
		p.applied = true;
		snprintf(p.id, sizeof(p.id), "%s", st.id);
		p.level = st.level;
		p.applied_at = (int64_t)st.applied_at;
		p.pause_ns = st.pause_ns;
		r = functions(ctx, &p.functions, err);
		if (r < 0)
			return r;
	}
	*ret = p;
	return 0;
}

/* ------------------------------------------------------------------ */
/* changes                                                             */

/* No options of the command line: nothing but what is signed gets here. */
static const struct sut_trust_opts no_opts;

/* Who vouches for it is in the report when the caller looked. */
static struct sut_change change_of(const struct sut_loaded *l, const struct sut_report *rep,
				   bool force)
{
	static const struct sut_trust nobody = {.why = {.code = EPERM, .reason = "unsigned"}};

	return (struct sut_change){.patch = l,
				   .trust = rep->trust ? rep->trust : &nobody,
				   .opts = &no_opts,
				   .force = force,
				   .attempts = SUT_ATTEMPTS_DEFAULT};
}

static int real_verify(void *ctx _unused_, const struct sut_loaded *l, struct sut_report *rep)
{
	const struct sut_change c = change_of(l, rep, false);

	return sut_change_verify(&c, rep);
}

static int real_apply(void *ctx _unused_, const struct sut_loaded *l, bool force, bool dry_run,
		      struct sut_report *rep)
{
	const struct sut_change c = change_of(l, rep, force);

	rep->dry_run = dry_run;
	return sut_change_apply(&c, rep);
}

static int real_revert(void *ctx _unused_, struct sut_report *rep)
{
	return sut_change_revert(SUT_ATTEMPTS_DEFAULT, rep);
}

/* ------------------------------------------------------------------ */
/* what the kernel said                                                */

/* "6,339,5140900,-;text": level, number, microseconds since boot, flags (Documentation/ABI/testing/dev-kmsg). */
static void add_record(char *record, int64_t since_us, struct sut_buf *out)
{
	char *text = strchr(record, ';'), *p = record;
	long long at = 0;

	for (int i = 0; i < 2 && p; i++)
		p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL;
	if (p)
		at = strtoll(p, NULL, 10);
	if (!text || at < since_us)
		return;
	text++;
	text[strcspn(text, "\n")] = 0;
	/* What does not fit any more is left out; the first ones say most. */
	(void)!sut_buf_addf(out, "[%5lld.%06lld] %s\n", at / 1000000, at % 1000000, text);
}

static int real_messages(void *ctx, uint64_t since_us, struct sut_buf *out, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/dev/kmsg", (const char *)ctx);
	_cleanup_(sut_closep) int fd = path ? open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;
	/* The kernel's messages have a clock that stands still while the machine sleeps. */
	int64_t asleep = clock_us(CLOCK_BOOTTIME) - clock_us(CLOCK_MONOTONIC);
	int64_t since = (int64_t)since_us - asleep - SLACK_US;
	char record[KMSG_RECORD_MAX + 1];

	if (!path)
		return sut_err_oom(err);
	if (fd < 0)
		return sut_err_errno(err, "cannot read the kernel's messages (%s)", path);
	for (;;) {
		ssize_t n = read(fd, record, KMSG_RECORD_MAX);

		/* EPIPE: older ones were overwritten meanwhile. */
		if (n < 0 && (errno == EINTR || errno == EPIPE || errno == EINVAL))
			continue;
		if (n < 0 && errno != EAGAIN)
			return sut_err_errno(err, "cannot read the kernel's messages");
		if (n <= 0)
			return 0;
		record[n] = 0;
		add_record(record, since, out);
	}
}

static void add_remain(const char *dir, const char *name, struct sut_buf *out)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", dir, name);
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(TEXT_MAX);

	(void)!sut_buf_addf(out, "%s\n", name);
	if (path && sut_startswith(name, "dmesg-") && sut_file_read(path, &b, NULL) == 0)
		(void)!sut_buf_addf(out, "%.*s\n", REMAIN_BYTES, sut_buf_str(&b));
}

static int real_remains(void *ctx, struct sut_buf *out, struct sut_err *err)
{
	_cleanup_(sut_freep) char *dir = sut_sprintf("%s/sys/fs/pstore", (const char *)ctx);
	_cleanup_(sut_closedirp) DIR *d = dir ? opendir(dir) : NULL;
	const struct dirent *e;
	unsigned int n = 0;

	if (!dir)
		return sut_err_oom(err);
	while (d && (e = readdir(d)) && n < REMAINS_MAX)
		if (e->d_name[0] != '.') {
			add_remain(dir, e->d_name, out);
			n++;
		}
	return 0;
}

void machine_real(const char *root, struct machine *ret)
{
	*ret = (struct machine){
		.ctx = (void *)(uintptr_t)root,
		.kernel = real_kernel,
		.support = real_support,
		.patch = real_patch,
		.engine = real_engine,
		.engine_load = real_engine_load,
		.verify = real_verify,
		.apply = real_apply,
		.revert = real_revert,
		.messages = real_messages,
		.remains = real_remains,
	};
}
