// SPDX-License-Identifier: Apache-2.0
#include "preflight.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <sys/statvfs.h>

#include "base/file.h"
#include "base/str.h"
#include "crypto/modsign.h"
#include "engine.h"
#include "kernel/report.h"
#include "switch.h"

enum { MEMINFO_MAX = 64 << 10, MEMORY_SPARE = 16 << 20 };

/* ------------------------------------------------------------------ */
/* what the administrator and the guard say                            */

static int pinned(const struct choice *c, const struct sut_manifest *m, struct sut_err *err)
{
	switch (c->pin) {
	case CHOICE_PIN_NONE:
		return 0;
	case CHOICE_PIN_LEVEL:
		if (m->level <= c->pin_level)
			return 0;
		return sut_err_reason(
			err, EPERM, "pin",
			"this machine is pinned to level %u, and %s has level %u. Take "
			"the pin away with 'suture pin none'",
			c->pin_level, m->id, m->level);
	case CHOICE_PIN_DATE:
		/* Both begin with the date, in UTC. */
		if (strncmp(m->created, c->pin_date, strlen(c->pin_date)) <= 0)
			return 0;
		return sut_err_reason(
			err, EPERM, "pin",
			"this machine is pinned to %s, and %s was made on %.10s. Take "
			"the pin away with 'suture pin none'",
			c->pin_date, m->id, m->created);
	case CHOICE_PIN_PATCHSET:
		if (sut_streq(m->id, c->pin_patchset))
			return 0;
		return sut_err_reason(err, EPERM, "pin",
				      "this machine is pinned to %s, and this is %s. Take the pin "
				      "away with 'suture pin none'",
				      c->pin_patchset, m->id);
	}
	return sut_err_set(err, EINVAL, "the pin of this machine is of an unknown kind");
}

static int held(const struct choice *c, int64_t now, struct sut_err *err)
{
	char until[32] = "";

	if (!choice_held(c, now))
		return 0;
	if (c->hold_until)
		sut_report_time(c->hold_until, until);
	return sut_err_reason(err, EPERM, "hold",
			      "this machine is held%s%s%s%s%s. Take that back with 'suture hold "
			      "--release'",
			      *until ? " until " : "", until, *c->hold_reason ? " (" : "",
			      c->hold_reason, *c->hold_reason ? ")" : "");
}

/* *ret: what the administrator chose. */
static int choice_allows(struct apply *a, const struct machine_kernel *k, const struct act_opts *o,
			 struct choice *ret, struct sut_err *err)
{
	struct switch_state s;
	int r = choice_read(a->root, ret, err);

	if (r < 0)
		return r;
	switch_read(a, k, ret, &s);
	if (s.mode == CHOICE_OFF || !(o->force || o->again))
		r = switch_check(&s, err);
	return r < 0 || o->force || o->again ? r : held(ret, a->now(), err);
}

int preflight_library(struct apply *a, const struct machine_kernel *k, const struct act_opts *o,
		      struct sut_err *err)
{
	struct choice c;

	return choice_allows(a, k, o, &c, err);
}

int preflight_choice(struct apply *a, const struct machine_kernel *k, const struct sut_manifest *m,
		     const struct act_opts *o, struct sut_err *err)
{
	struct choice c;
	int r = choice_allows(a, k, o, &c, err);

	return r < 0 || o->force || o->again ? r : pinned(&c, m, err);
}

int preflight_quarantine(const struct guard *g, const char *sha256, struct sut_err *err)
{
	for (size_t i = 0; i < g->nquarantined; i++) {
		const struct guard_quarantined *q = &g->quarantined[i];
		char at[32];

		if (!sut_streq(q->patch.sha256, sha256))
			continue;
		sut_report_time(q->at, at);
		return sut_err_reason(
			err, EPERM, "quarantined",
			"%s is quarantined since %s (%s). Look into it, and let it go "
			"with 'suture quarantine release' if you want it in spite of that",
			q->patch.id, at, q->why);
	}
	return 0;
}

/* ------------------------------------------------------------------ */
/* what the machine says                                               */

struct run {
	struct apply *a;
	const struct machine_kernel *k;
	const struct guard *g;
	const struct sut_loaded *l;
	const struct act_opts *o;
	struct sut_report *rep;
	struct machine_engine engine;
	bool compared;	/* the machine was asked to compare the code */
	int compare;	/* … and what it said */
	char text[512]; /* of the check at hand, when all is well or a failure is not fatal */
	bool minor;	/* the failure at hand is not fatal */
};

static int check_kernel(struct run *p, struct sut_err *err)
{
	enum machine_support s;
	char what[256] = "";
	int r = p->a->machine.support(p->a->machine.ctx, &s, what, err);

	if (r < 0)
		return r;
	if (s != MACHINE_SUPPORTED)
		return sut_err_reason(err, EOPNOTSUPP, "unsupported",
				      "this machine cannot be patched: %s", what);
	snprintf(p->text, sizeof(p->text), "%s, the build that the patch is for", p->k->release);
	return 0;
}

static int check_quarantine(struct run *p, struct sut_err *err)
{
	snprintf(p->text, sizeof(p->text), "the patch is not quarantined");
	return preflight_quarantine(p->g, p->l->sha256, err);
}

static int check_choice(struct run *p, struct sut_err *err)
{
	snprintf(p->text, sizeof(p->text), "nothing holds it back");
	return preflight_choice(p->a, p->k, p->l->manifest, p->o, err);
}

static int check_engine(struct run *p, struct sut_err *err)
{
	const struct machine_engine *e = &p->engine;
	uint32_t wanted = p->l->manifest->engine_abi;

	if (!e->loaded && !e->installed)
		return sut_err_reason(
			err, ENOENT, "no-engine",
			"the engine suture.ko is neither loaded nor installed for this "
			"kernel. 'suture update' fetches it when the repository has it; "
			"or install suture-dkms");
	if (e->loaded && e->abi != wanted)
		return sut_err_reason(err, EPROTONOSUPPORT, "abi",
				      "the patch was built for engine ABI %u and suture.ko has %u. "
				      "Get the patch of the version that is installed",
				      wanted, e->abi);
	if (e->loaded)
		snprintf(p->text, sizeof(p->text), "suture.ko %s is loaded", e->version);
	else
		snprintf(p->text, sizeof(p->text), "suture.ko is installed and gets loaded");
	return 0;
}

static int check_lockdown(struct run *p, struct sut_err *err)
{
	char signer[SUT_MODSIGN_SIGNER_MAX];

	if (!p->engine.signed_only) {
		snprintf(p->text, sizeof(p->text), "the kernel takes modules without a signature");
		return 0;
	}
	if (sut_modsign_signer(p->l->payload->data, p->l->payload->len, signer, NULL) < 0)
		return sut_err_reason(
			err, EKEYREJECTED, "engine-refused",
			"this kernel only takes signed modules, and the payload of the "
			"patch is not signed. Ask whoever makes your patches for "
			"signed ones");
	snprintf(p->text, sizeof(p->text),
		 "the kernel only takes signed modules; this one is by %s", signer);
	return 0;
}

/* MemAvailable; -1 when it is not said. */
static int64_t available_kb(void)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(MEMINFO_MAX);
	const char *line;

	if (sut_file_read("/proc/meminfo", &b, NULL) < 0)
		return -1;
	line = strstr(sut_buf_str(&b), "MemAvailable:");
	return line ? strtoll(line + strlen("MemAvailable:"), NULL, 10) : -1;
}

static int check_memory(struct run *p, struct sut_err *err)
{
	/* The module once more in the kernel, while our copies are still there. */
	int64_t need = ((int64_t)p->l->payload->len * 3 + p->l->table.len + MEMORY_SPARE) >> 10;
	int64_t have = available_kb();

	if (have >= 0 && have < need)
		return sut_err_reason(err, ENOMEM, "no-memory",
				      "%" PRId64 " KiB of memory are available and %" PRId64
				      " are needed. Try again later",
				      have, need);
	snprintf(p->text, sizeof(p->text), "%" PRId64 " MiB available", have / 1024);
	return 0;
}

static int check_disk(struct run *p, struct sut_err *err)
{
	struct agent_path dir = agent_path(p->a->root, AGENT_APPLY_DIR);
	struct statvfs s;
	uint64_t free_bytes;

	if (statvfs(dir.s, &s) < 0)
		return sut_err_errno(err, "cannot look at the disk of %s", dir.s);
	if (s.f_flag & ST_RDONLY)
		return sut_err_reason(err, EROFS, "disk",
				      "%s is on a read-only file system: nothing could be noted "
				      "about the patch. Make it writable",
				      dir.s);
	free_bytes = (uint64_t)s.f_bavail * s.f_frsize;
	if (free_bytes < PREFLIGHT_DISK_MIN || (s.f_files && !s.f_favail))
		return sut_err_reason(err, ENOSPC, "disk",
				      "the disk of %s is full: nothing could be noted about the "
				      "patch. Make room",
				      dir.s);
	snprintf(p->text, sizeof(p->text), "%" PRIu64 " MiB free", free_bytes >> 20);
	return 0;
}

/* Both come from one comparison by the machine. */
static int compare(struct run *p)
{
	if (!p->compared)
		p->compare = p->a->machine.verify(p->a->machine.ctx, p->l, p->rep);
	p->compared = true;
	return p->compare;
}

static int check_conflicts(struct run *p, struct sut_err *err)
{
	const struct sut_conflicts *c = &p->rep->conflicts;

	(void)!compare(p);
	/* Told by name, also when a byte of theirs was found before that. */
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].fatal)
			return sut_err_reason(err, EBUSY, "conflict",
					      "%s. Remove that, then try again", c->v[i].what);
	if (c->n)
		snprintf(p->text, sizeof(p->text), "%zu others are at work and in nobody's way",
			 c->n);
	else
		snprintf(p->text, sizeof(p->text), "nobody else changes the kernel");
	return 0;
}

static int check_code(struct run *p, struct sut_err *err)
{
	int r = compare(p);

	if (r < 0 && sut_streq(p->rep->err.reason, "conflict")) {
		/* The conflict was told. */
		p->minor = true;
		return sut_err_set(err, EBUSY, "not compared, because of the conflict");
	}
	if (r < 0) {
		*err = p->rep->err;
		return r;
	}
	snprintf(p->text, sizeof(p->text), "%u bytes of the running code are as they must be",
		 p->rep->compared);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct run *p, struct sut_err *err);
} table[] = {
	{"kernel", check_kernel}, {"quarantine", check_quarantine}, {"choice", check_choice},
	{"engine", check_engine}, {"lockdown", check_lockdown},	    {"memory", check_memory},
	{"disk", check_disk},	  {"conflicts", check_conflicts},   {"code", check_code},
};

int preflight_run(struct apply *a, const struct machine_kernel *k, const struct guard *g,
		  const struct sut_loaded *l, const struct act_opts *o, struct sut_report *rep,
		  json_t *checks, struct sut_err *err)
{
	struct run p = {.a = a, .k = k, .g = g, .l = l, .o = o, .rep = rep};
	struct sut_err first = {0};
	struct sut_err unused = {0};
	int r;

	/* What is wrong with the one that is kept is told as a missing engine, which is fetched again. */
	if (engine_ready(a, &unused) < 0)
		apply_log(LOG_WARNING, "the suture.ko that is kept is of no use: %s", unused.msg);
	r = a->machine.engine(a->machine.ctx, &p.engine, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(table); i++) {
		struct sut_err why = {0};
		bool ok, fatal;

		p.minor = false;
		*p.text = 0;
		r = table[i].run(&p, &why);
		ok = r >= 0;
		fatal = !ok && !p.minor;
		if (fatal && !first.code)
			first = why;
		if (json_array_append_new(checks,
					  json_pack("{s:s,s:b,s:b,s:o}", "name", table[i].name,
						    "ok", ok, "fatal", fatal, "text",
						    sut_report_text(ok ? p.text : why.msg))) < 0)
			return sut_err_oom(err);
	}
	if (first.code && err)
		*err = first;
	return -first.code;
}
