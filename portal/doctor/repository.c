// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "doctor/doctor.h"
#include "portal.h"
#include "repo/look.h"

enum { SOON = 86400 };

static void repop(struct repo **r)
{
	repo_free(*r);
}

static void report(struct doctor *d, const struct repo_look *l)
{
	json_t *warnings = json_object_get(l->state, "warnings");
	int64_t left = l->expires - d->now;

	doctor_add(d, DOCTOR_OK, "repository", NULL, "%s: verified, %zu patches",
		   d->conf.repository, l->n);
	if (left < SOON)
		doctor_add(d, DOCTOR_WARN, "repository",
			   "Run 'suture-repo status' where it is signed, and copy it here",
			   "signed metadata expires in %lld hours; then no agent takes patches",
			   (long long)(left / 3600));
	if (json_array_size(warnings))
		doctor_add(d, DOCTOR_WARN, "repository", "See suture-admin repository",
			   "%zu patches are left out", json_array_size(warnings));
}

void doctor_repository(struct doctor *d)
{
	/* As much of a portal as a look needs. */
	struct portal p = {.s = {.files_fd = -1}, .conf = d->conf};
	_cleanup_(repo_look_freep) struct repo_look *look = NULL;
	_cleanup_(repop) struct repo *repo = NULL;
	_cleanup_(sut_closep) int fd = -1;
	struct sut_err err = {0};
	int r;

	if (!d->conf.repository) {
		doctor_add(d, DOCTOR_WARN, "repository",
			   "Set 'repository' and 'repository-root' when there is one",
			   "none is set, so there is nothing to give to systems");
		return;
	}
	if (!d->db)
		return;
	fd = open(d->conf.repository, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		doctor_add(d, DOCTOR_FAIL, "repository", "Copy it there, readable by the portal",
			   "%s: %s", d->conf.repository, strerror(errno));
		return;
	}
	if (access(d->conf.repository_root, R_OK) < 0) {
		doctor_add(d, DOCTOR_FAIL, "repository",
			   "Put it there, readable by the portal: suture-repo export-root makes it "
			   "where patches are signed",
			   "repository-root, %s: %s", d->conf.repository_root, strerror(errno));
		return;
	}
	p.s.files_fd = fd;
	r = repo_new(&repo, &err);
	p.repo = repo;
	if (r == 0)
		r = sut_db_begin(d->db, SUT_DB_READ, &err);
	if (r == 0) {
		r = repo_look(&p, d->db, d->now, true, &look, &err);
		sut_db_rollback(d->db);
	}
	if (r < 0)
		doctor_add(d, DOCTOR_FAIL, "repository",
			   "Copy the repository again; 'suture-repo verify' tells more where it is "
			   "signed",
			   "%s: %s", d->conf.repository, err.msg);
	else if (look)
		report(d, look);
}
