// SPDX-License-Identifier: Apache-2.0
#include "try/subject.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"

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

/* The path of this program, so that its neighbours can be found. */
static int self(char **ret, struct sut_err *err)
{
	char *p = realpath("/proc/self/exe", NULL);

	if (!p)
		return sut_err_errno(err, "cannot find out where suture-build is");
	*ret = p;
	return 0;
}

/* Beside suture-build (installed) or in the folder of a build tree. */
static int find_suture(const struct sut_subject_opts *o, char **ret, struct sut_err *err)
{
	static const char *const places[] = {"suture", "../agent/suture/suture", "../sbin/suture"};
	_cleanup_(sut_freep) char *me = NULL;
	char *slash;
	int r;

	if (o->suture) {
		*ret = strdup(o->suture);
		return *ret ? 0 : sut_err_oom(err);
	}
	r = self(&me, err);
	if (r < 0)
		return r;
	slash = strrchr(me, '/');
	for (size_t i = 0; i < SUT_ARRAY_SIZE(places); i++) {
		char *p = sut_sprintf("%.*s/%s", (int)(slash - me), me, places[i]);

		if (!p)
			return sut_err_oom(err);
		if (sut_exists(p)) {
			*ret = p;
			return 0;
		}
		free(p);
	}
	return sut_err_set(err, ENOENT,
			   "the program 'suture' is not beside suture-build; name it "
			   "with --suture");
}

int sut_subject_find(const struct sut_subject_opts *o, const char *dir, struct sut_subject **ret,
		     struct sut_err *err)
{
	_cleanup_(sut_subject_freep) struct sut_subject *s = calloc(1, sizeof(*s));
	bool bare = !o->patch && sut_streq(o->engine, "none");
	int r = 0;

	(void)dir;
	if (!s)
		return sut_err_oom(err);
	if (o->image)
		s->image = strdup(o->image);
	s->name = strdup(o->target ? o->target : o->image ? o->image : "?");
	if (o->engine && !sut_streq(o->engine, "none"))
		s->engine = strdup(o->engine);
	if (!bare || o->suture)
		r = find_suture(o, &s->suture, err);
	if (r < 0)
		return r;
	*ret = sut_steal(s);
	return 0;
}
