// SPDX-License-Identifier: Apache-2.0
#include "aside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "change_view.h"

int sut_aside_possible(const struct sut_change *c, const char *role, bool *ret, struct sut_err *err)
{
	_cleanup_(sut_freep) char *aside = sut_repo_path(c->repo, "staged.aside");
	_cleanup_(sut_freep) char *asked = sut_repo_path(c->repo, "staged/asked");
	_cleanup_(sut_change_view_release) struct sut_change_view v = {0};
	bool others = false;
	int r;

	if (!aside || !asked)
		return sut_err_oom(err);
	r = sut_change_view_make(c, &v, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < v.n; i++)
		others |= v.v[i].after && !sut_streq(v.v[i].name, role);
	*ret = others && !sut_exists(aside) && !sut_exists(asked) && c->repo->state.nroles &&
	       !c->repo->root_ahead;
	return 0;
}

/* The rename is the step; the fsync of the folder makes it last. */
static int rename_in(struct sut_repo *repo, const char *from, const char *to, struct sut_err *err)
{
	_cleanup_(sut_freep) char *a = sut_repo_path(repo, "%s", from);
	_cleanup_(sut_freep) char *b = sut_repo_path(repo, "%s", to);
	_cleanup_(sut_closep) int dir = open(repo->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (!a || !b)
		return sut_err_oom(err);
	if (dir < 0 || rename(a, b) < 0 || fsync(dir) < 0)
		return sut_err_errno(err, "cannot rename %s to %s", a, b);
	return 0;
}

int sut_aside_put(struct sut_repo *repo, struct sut_err *err)
{
	return rename_in(repo, "staged", "staged.aside", err);
}

int sut_aside_back(struct sut_repo *repo, struct sut_err *err)
{
	_cleanup_(sut_freep) char *aside = sut_repo_path(repo, "staged.aside");
	int r;

	if (!aside)
		return sut_err_oom(err);
	if (!sut_exists(aside) || sut_change_pending(repo))
		return 0;
	r = sut_change_done(repo, err);
	if (r == 0)
		r = rename_in(repo, "staged.aside", "staged", err);
	return r < 0 ? r : 1;
}
