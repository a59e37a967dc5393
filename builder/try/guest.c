// SPDX-License-Identifier: Apache-2.0
#include "try/guest.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/file.h"
#include "try/initramfs.h"

static const char init[] =
#include "try/init.inc"
	;

/* The plans run inside init.sh. Every step is reported, whatever its status. A patch
 * that is only being tried has no signature yet. */
static const char plan_raw[] = "step script script\n";

static const char plan_script[] =
	"export PHASE=before; step before script\n"
	"if step apply suture apply --insecure-local /suture/kpatch.bin; then\n"
	"	step status suture status --json\n"
	"	PHASE=applied; step applied script\n"
	"	step revert suture revert\n"
	"	step status-reverted suture status --json\n"
	"	PHASE=reverted; step reverted script\n"
	"fi\n";

/* Without a script: twice, under load, since a second application is not the
 * same as the first. */
static const char plan_default[] =
	"step load load_start\n"
	"for n in 1 2; do\n"
	"	step apply suture apply --insecure-local /suture/kpatch.bin || break\n"
	"	step status suture status --json\n"
	"	sleep 1\n"
	"	step revert suture revert || break\n"
	"	step status-reverted suture status --json\n"
	"	sleep 1\n"
	"done\n"
	"load_stop\n";

int sut_guest_word(char ret[SUT_WORD_LEN + 1], struct sut_err *err)
{
	uint8_t b[SUT_WORD_LEN / 2];

	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		return sut_err_errno(err, "cannot draw random bytes");
	sut_hex(b, sizeof(b), ret);
	return 0;
}

static int find_busybox(const char **ret, struct sut_err *err)
{
	static const char *const places[] = {"/bin/busybox", "/usr/bin/busybox",
					     "/usr/local/bin/busybox"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(places); i++) {
		if (sut_exists(places[i])) {
			*ret = places[i];
			return 0;
		}
	}
	return sut_err_set(err, ENOENT,
			   "there is no busybox; install the package busybox-static "
			   "(scripts/setup does)");
}

static int add_text(struct sut_initramfs *fs, const char *path, mode_t mode, const char *text,
		    struct sut_err *err)
{
	return sut_initramfs_data(fs, path, mode, text, strlen(text), err);
}

/* "SRC" goes to /suture/<name>, "SRC:DEST" to DEST. */
static int add_file(struct sut_initramfs *fs, const char *spec, struct sut_err *err)
{
	const char *colon = strrchr(spec, ':');
	_cleanup_(sut_freep) char *src = NULL, *dest = NULL;
	const char *base;

	if (colon && colon[1] != '/')
		return sut_err_set(err, EINVAL,
				   "--file %s: the path in the virtual machine must "
				   "begin with '/'",
				   spec);
	src = colon ? strndup(spec, (size_t)(colon - spec)) : strdup(spec);
	base = src ? strrchr(src, '/') : NULL;
	if (src)
		dest = colon ? strdup(colon + 1) : sut_sprintf("/suture/%s", base ? base + 1 : src);
	if (!src || !dest)
		return sut_err_oom(err);
	return sut_initramfs_file(fs, dest, src, err);
}

static int add_base(struct sut_initramfs *fs, const char *word, struct sut_err *err)
{
	_cleanup_(sut_freep) char *line = sut_sprintf("%s\n", word);
	const char *busybox = NULL;
	int r = find_busybox(&busybox, err);

	if (r < 0)
		return r;
	if (!line)
		return sut_err_oom(err);
	if ((r = sut_initramfs_file(fs, "/bin/busybox", busybox, err)) < 0 ||
	    (r = add_text(fs, "/init", 0755, init, err)) < 0 ||
	    (r = add_text(fs, "/suture/word", 0600, line, err)) < 0 ||
	    (r = add_text(fs, "/etc/passwd", 0644,
			  "root:x:0:0:root:/root:/bin/sh\n"
			  "nobody:x:65534:65534:nobody:/tmp:/bin/sh\n",
			  err)) < 0 ||
	    (r = add_text(fs, "/etc/group", 0644, "root:x:0:\nnogroup:x:65534:\n", err)) < 0 ||
	    (r = add_text(fs, "/etc/hosts", 0644, "127.0.0.1 localhost\n", err)) < 0)
		return r;
	/* Programs linked on this machine find their libraries by its list. */
	if (sut_exists("/etc/ld.so.cache"))
		r = sut_initramfs_file(fs, "/etc/ld.so.cache", "/etc/ld.so.cache", err);
	return r;
}

static int add_plan(struct sut_initramfs *fs, const struct sut_guest *g, struct sut_err *err)
{
	const char *steps = !g->patch ? plan_raw : g->script ? plan_script : plan_default;
	_cleanup_(sut_freep) char *plan = sut_sprintf(
		"%s%s", g->engine ? "step engine insmod /suture/suture.ko\n" : "", steps);

	return plan ? add_text(fs, "/suture/plan", 0644, plan, err) : sut_err_oom(err);
}

int sut_guest_write(const struct sut_guest *g, const char *word, const char *path,
		    struct sut_err *err)
{
	_cleanup_(sut_initramfs_freep) struct sut_initramfs *fs = NULL;
	int r = sut_initramfs_new(path, &fs, err);

	if (r < 0 || (r = add_base(fs, word, err)) < 0 || (r = add_plan(fs, g, err)) < 0)
		return r;
	if (g->suture && (r = sut_initramfs_file(fs, "/usr/bin/suture", g->suture, err)) < 0)
		return r;
	if (g->engine && (r = sut_initramfs_file(fs, "/suture/suture.ko", g->engine, err)) < 0)
		return r;
	if (g->patch && (r = sut_initramfs_file(fs, "/suture/kpatch.bin", g->patch, err)) < 0)
		return r;
	if (g->script && (r = sut_initramfs_file(fs, "/suture/script", g->script, err)) < 0)
		return r;
	for (size_t i = 0; i < g->files.n; i++)
		if ((r = add_file(fs, g->files.v[i], err)) < 0)
			return r;
	return sut_initramfs_finish(fs, err);
}
