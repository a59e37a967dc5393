// SPDX-License-Identifier: Apache-2.0
#include "try/subject.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"
#include "engine/engine.h"
#include "patch/container.h"
#include "target/profile.h"
#include "target/store.h"

void sut_subject_freep(struct sut_subject **s)
{
	if (!*s)
		return;
	free((*s)->name);
	free((*s)->image);
	free((*s)->engine);
	free((*s)->suture);
	free(*s);
	*s = NULL;
}

/* Beside suture-build (installed) or in the folder of a build tree. */
static int find_suture(const struct sut_subject_opts *o, char **ret, struct sut_err *err)
{
	static const char *const places[] = {"suture", "../agent/suture/suture", "../sbin/suture",
					     NULL};

	if (o->suture) {
		*ret = strdup(o->suture);
		return *ret ? 0 : sut_err_oom(err);
	}
	*ret = sut_program_beside(places);
	if (*ret)
		return 0;
	return sut_err_set(err, ENOENT,
			   "the program 'suture' is not beside suture-build; name it "
			   "with --suture");
}

/* The target the patch was built for. */
static int target_of(const char *path, char **ret, struct sut_err *err)
{
	_cleanup_(sut_patch_freep) struct sut_patch *p = NULL;
	int r = sut_patch_read(path, &p, err);

	if (r < 0)
		return r;
	*ret = strdup(
		json_string_value(json_object_get(json_object_get(p->manifest, "target"), "name")));
	return *ret ? 0 : sut_err_oom(err);
}

static int build_engine(const struct sut_profile *p, const char *cache, char **ret,
			struct sut_err *err)
{
	const struct sut_engine_opts opts = {0};
	_cleanup_(sut_freep) char *dir = NULL;
	char *path;
	int r = sut_engine_build(p, cache, &opts, &dir, err);

	if (r < 0)
		return r;
	path = sut_sprintf("%s/suture.ko", dir);
	if (!path)
		return sut_err_oom(err);
	*ret = path;
	return 0;
}

/* Image and engine, as far as they are not given, from the profile of the target. */
static int use_target(const struct sut_subject_opts *o, struct sut_subject *s, struct sut_err *err)
{
	_cleanup_(sut_profile_freep) struct sut_profile *p = NULL;
	_cleanup_(sut_freep) char *cache = o->cache ? strdup(o->cache) : sut_cache_dir();
	int r;

	if (!cache)
		return sut_err_oom(err);
	r = sut_profile_open(cache, s->name, &p, err);
	if (r < 0)
		return r;
	if (!s->image) {
		s->image = strdup(p->vmlinuz);
		if (!s->image)
			return sut_err_oom(err);
	}
	return o->engine ? 0 : build_engine(p, cache, &s->engine, err);
}

int sut_subject_find(const struct sut_subject_opts *o, struct sut_subject **ret,
		     struct sut_err *err)
{
	_cleanup_(sut_subject_freep) struct sut_subject *s = calloc(1, sizeof(*s));
	bool no_engine = sut_streq(o->engine, "none");
	int r = 0;

	if (!s)
		return sut_err_oom(err);
	if (o->target || !o->patch) {
		s->name = strdup(o->target ? o->target : o->image ? o->image : "");
		r = s->name ? 0 : sut_err_oom(err);
	} else {
		r = target_of(o->patch, &s->name, err);
	}
	if (r < 0)
		return r;
	if (!s->name[0])
		return sut_err_set(err, EINVAL, "say what to boot: --target or --image");
	if ((o->image && !(s->image = strdup(o->image))) ||
	    (o->engine && !no_engine && !(s->engine = strdup(o->engine))))
		return sut_err_oom(err);
	if (!o->target && o->image && !o->patch && !o->engine)
		return sut_err_set(err, EINVAL,
				   "the engine is built for a target: add --target, or --engine "
				   "FILE, or --engine none");
	if (!o->image || !o->engine)
		r = use_target(o, s, err);
	/* A kernel without the engine has no use for the program. */
	if (r == 0 && (!no_engine || o->suture))
		r = find_suture(o, &s->suture, err);
	if (r < 0)
		return r;
	*ret = sut_steal(s);
	return 0;
}
