// SPDX-License-Identifier: Apache-2.0
/* proc_look(): what is mapped in a process and what of ours is applied, without stopping it. */
#include <errno.h>
#include <string.h>

#include "change/engine.h"
#include "change/half.h"
#include "change/record.h"
#include "look/proc.h"

static bool is_wanted(const struct proc_elf *e, const uint8_t (*wanted)[SUT_LIBRARY_BUILD_ID_LEN],
		      size_t n)
{
	if (!wanted)
		return true;
	for (size_t i = 0; i < n; i++)
		if (!memcmp(e->build_id, wanted[i], sizeof(e->build_id)))
			return true;
	return false;
}

/* A record says what was done; what is so now, the code itself says. The file may have been unloaded and loaded again since then. */
static void add_records(const struct proc *p, struct proc_file *f, const struct record *records,
			size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct record_head *h = &records[i].head;
		struct half_count c;

		if (h->bias != f->bias || memcmp(h->build_id, f->build_id, sizeof(f->build_id)))
			continue;
		f->half = f->half || h->state == RECORD_READY || h->state == RECORD_REVERTING;
		if (h->state != RECORD_APPLIED)
			continue;
		/* The record says what we did, and not what others have done to it since. */
		half_count(p, &records[i], &c);
		if (c.there != h->nplaces)
			f->half = true;
		if (c.original == h->nplaces)
			continue;
		f->level = h->level;
		memcpy(f->patch, h->id, sizeof(f->patch));
		memcpy(f->sha256, h->sha256, sizeof(f->sha256));
	}
}

int proc_look(pid_t pid, const uint8_t (*wanted)[SUT_LIBRARY_BUILD_ID_LEN], size_t n,
	      struct proc_view *ret, struct sut_err *err)
{
	_cleanup_(proc_closep) struct proc *p = NULL;
	_cleanup_(sut_freep) struct proc_file *files = NULL;
	struct record *records = NULL;
	struct proc_view v = {.pid = pid};
	size_t nrecords = 0;
	char path[64];
	ssize_t len;
	int r;

	r = proc_open(pid, &p, err);
	if (r < 0)
		return r;
	files = calloc(p->nelfs + 1, sizeof(*files));
	if (!files)
		return sut_err_oom(err);
	for (size_t i = 0; i < p->nelfs; i++) {
		const struct proc_elf *e = &p->elfs[i];
		const struct proc_map *m = &p->maps[e->map];
		struct proc_file *f = &files[v.nfiles];

		if (!is_wanted(e, wanted, n))
			continue;
		memcpy(f->build_id, e->build_id, sizeof(f->build_id));
		memcpy(f->path, m->path, sizeof(f->path));
		f->deleted = m->deleted;
		f->bias = e->bias;
		f->dev = m->dev;
		f->ino = m->ino;
		v.nfiles++;
	}
	if (v.nfiles) {
		r = record_find(p, &records, &nrecords, err);
		if (r < 0)
			return r;
		for (size_t i = 0; i < v.nfiles; i++)
			add_records(p, &files[i], records, nrecords);
		record_free_all(records, nrecords);
	}
	v.starttime = p->starttime;
	v.uid = p->uid;
	memcpy(v.comm, p->comm, sizeof(v.comm));
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	len = readlink(path, v.exe, sizeof(v.exe) - 1);
	v.exe[len > 0 ? len : 0] = 0;
	v.files = sut_steal(files);
	v.p = sut_steal(p);
	*ret = v;
	return 0;
}

void proc_view_release(struct proc_view *v)
{
	proc_close(v->p);
	free(v->files);
	v->p = NULL;
	v->files = NULL;
	v->nfiles = 0;
}
