// SPDX-License-Identifier: Apache-2.0
#include "target/add.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "target/acquire.h"
#include "target/prepare.h"
#include "target/profile_file.h"
#include "target/source.h"
#include "target/store.h"
#include "target/vmlinuz.h"

/* Bytes of disk that are needed at most besides the source: image, modules, build folder. */
static const uint64_t space_target = 800ULL << 20;

struct add {
	const char *cache, *target, *release;
	const struct sut_progress *progress;
	char *dir; /* of the target */
	struct sut_packages packages;
	bool new_source;
};

static int unpack_image(const struct add *a, struct sut_err *err)
{
	_cleanup_(sut_freep) char *image = sut_sprintf("%s/image", a->dir);
	_cleanup_(sut_freep) char *vmlinuz =
		sut_sprintf("%s/image/boot/vmlinuz-%s", a->dir, a->release);
	_cleanup_(sut_freep) char *vmlinux = sut_sprintf("%s/vmlinux", a->dir);
	_cleanup_buf_ struct sut_buf packed = SUT_BUF_INIT(SUT_VMLINUX_MAX);
	_cleanup_buf_ struct sut_buf elf = SUT_BUF_INIT(SUT_VMLINUX_MAX);
	int r;

	if (!image || !vmlinuz || !vmlinux)
		return sut_err_oom(err);
	sut_progress_say(a->progress, "unpacking %s %s", a->packages.image.package,
			 a->packages.image.version);
	r = sut_deb_unpack(&a->packages.image, image, err);
	if (r == 0)
		r = sut_file_read(vmlinuz, &packed, err);
	if (r == 0)
		r = sut_vmlinuz_unpack(packed.data, packed.len, &elf, err);
	return r < 0 ? r : sut_file_write(vmlinux, elf.data, elf.len, 0644, err);
}

static int make_build(struct add *a, struct sut_err *err)
{
	_cleanup_(sut_freep) char *tmp = sut_sprintf("%s/headers", a->dir);
	_cleanup_(sut_freep) char *headers =
		sut_sprintf("%s/headers/usr/src/linux-headers-%s", a->dir, a->release);
	_cleanup_(sut_freep) char *build = sut_sprintf("%s/build", a->dir);
	_cleanup_(sut_freep) char *src = sut_source_dir(a->cache, a->packages.image.version);
	int r;

	if (!tmp || !headers || !build || !src)
		return sut_err_oom(err);
	r = sut_deb_unpack(&a->packages.headers, tmp, err);
	if (r == 0)
		r = sut_prepare(src, build, headers, a->progress, err);
	return r < 0 ? r : sut_rm_rf(tmp, err);
}

static int build_target(struct add *a, struct sut_err *err)
{
	struct sut_profile_origin o = {
		.name = a->target,
		.release = a->release,
		.package = a->packages.image.package,
		.package_version = a->packages.image.version,
		.cache = a->cache,
		.verified = a->packages.verified,
	};
	int r;

	r = sut_rm_rf(a->dir, err); /* what a crash may have left */
	if (r == 0)
		r = sut_mkdir_p(a->dir, err);
	if (r == 0)
		r = unpack_image(a, err);
	/* There is no source package when the tree is in the cache already. */
	if (r == 0 && a->packages.source.path)
		r = sut_source_add(a->cache, &a->packages.source, a->progress, &a->new_source, err);
	if (r == 0)
		r = make_build(a, err);
	if (r < 0)
		return r;
	sut_progress_say(a->progress, "reading symbols and types");
	return sut_profile_file_write(a->dir, &o, err);
}

static int add_locked(struct add *a, const struct sut_add_opts *opts, bool *ret_existed,
		      struct sut_err *err)
{
	_cleanup_(sut_freep) char *file = sut_sprintf("%s/" SUT_PROFILE_FILE, a->dir);
	_cleanup_(sut_freep) char *src = NULL;
	uint64_t need;
	int r;

	if (!file)
		return sut_err_oom(err);
	*ret_existed = sut_exists(file);
	if (*ret_existed)
		return 0;
	if (opts->from)
		r = sut_acquire_dir(opts->from, a->release, &a->packages, err);
	else
		r = sut_acquire_apt(a->cache, a->release, space_target, a->progress, &a->packages,
				    err);
	if (r < 0)
		return r;
	src = sut_source_dir(a->cache, a->packages.image.version);
	if (!src)
		return sut_err_oom(err);
	need = space_target + (sut_exists(src) ? 0 : SUT_SOURCE_SPACE);
	r = sut_store_space(a->cache, need, err);
	if (r < 0)
		return r;
	r = build_target(a, err);
	if (r < 0) {
		bool full = sut_store_space(a->cache, 16 << 20, NULL) < 0;

		(void)!sut_rm_rf(a->dir, NULL);
		if (a->new_source)
			(void)!sut_rm_rf(src, NULL);
		if (full)
			r = sut_err_set(err, ENOSPC,
					"the disk of %s became full; %llu MB are needed. Nothing "
					"was added",
					a->cache, (unsigned long long)(need >> 20));
	}
	return r;
}

int sut_target_resolve(const char *target, char **ret, struct sut_err *err)
{
	static const char newest[] = "debian/newest-";
	_cleanup_(sut_freep) char *release = NULL;
	int r;

	if (!sut_startswith(target, newest)) {
		*ret = strdup(target);
		return *ret ? 0 : sut_err_oom(err);
	}
	r = sut_acquire_newest(target + sizeof(newest) - 1, &release, err);
	if (r < 0)
		return r;
	*ret = sut_sprintf("debian/%s", release);
	return *ret ? 0 : sut_err_oom(err);
}

int sut_target_add(const char *cache, const char *target, const struct sut_add_opts *opts,
		   bool *ret_existed, struct sut_err *err)
{
	_cleanup_(sut_freep) char *abs = NULL;
	_cleanup_(sut_closep) int lock = -1;
	struct add a = {.target = target, .progress = opts->progress};
	bool existed = false;
	int r = sut_target_name_check(target, &a.release, err);

	if (r == 0)
		r = sut_store_lock(cache, opts->progress, &abs, &lock, err);
	if (r < 0)
		return r;
	a.cache = abs;
	a.dir = sut_target_dir(abs, target);
	r = a.dir ? add_locked(&a, opts, &existed, err) : sut_err_oom(err);
	sut_packages_release(&a.packages);
	free(a.dir);
	if (r == 0 && ret_existed)
		*ret_existed = existed;
	return r;
}
