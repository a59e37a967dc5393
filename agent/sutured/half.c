// SPDX-License-Identifier: Apache-2.0
#include "sutured/half.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

static int bad(struct sut_err *err, const char *member)
{
	return sut_err_reason(
		err, EBADMSG, "root-half",
		"the state of suture-apply makes no sense at \"%s\"; is it of the same "
		"version as sutured?",
		member);
}

/* "" when it is not there; what is longer than fits is cut. */
static void text(const json_t *j, const char *member, char *ret, size_t size)
{
	const char *s = json_string_value(json_object_get(j, member));

	snprintf(ret, size, "%s", s ? s : "");
}

static int level(const json_t *j, const char *where, uint32_t *ret, struct sut_err *err)
{
	json_int_t v = json_integer_value(json_object_get(j, "level"));

	if (v < 0 || v > INT32_MAX)
		return bad(err, where);
	*ret = (uint32_t)v;
	return 0;
}

static int read_switch(const json_t *state, struct decide_half *h, struct sut_err *err)
{
	const json_t *j = json_object_get(state, "switch");
	const char *s = json_string_value(json_object_get(j, "state"));

	if (sut_streq(s ? s : "", "normal"))
		h->mode = DECIDE_SWITCH_NORMAL;
	else if (sut_streq(s ? s : "", "no-apply"))
		h->mode = DECIDE_SWITCH_NO_APPLY;
	else if (sut_streq(s ? s : "", "off"))
		h->mode = DECIDE_SWITCH_OFF;
	else
		return bad(err, "switch.state");
	text(j, "by", h->mode_by, sizeof(h->mode_by));
	return 0;
}

static int read_engine(const json_t *state, struct decide_half *h, struct sut_err *err)
{
	static const char *const words[] = {"loaded", "available", "missing", "refused"};
	const json_t *j = json_object_get(state, "engine");
	const char *s = json_string_value(json_object_get(j, "state"));

	text(j, "message", h->engine_text, sizeof(h->engine_text));
	for (unsigned int i = 0; s && i < SUT_ARRAY_SIZE(words); i++)
		if (sut_streq(words[i], s)) {
			h->engine = (enum decide_engine)i;
			return 0;
		}
	return bad(err, "engine.state");
}

/* build_id: of a library; NULL: the kernel's. */
static int read_quarantined(const json_t *state, const char *build_id, struct decide_half *h,
			    struct sut_err *err)
{
	const json_t *list = json_object_get(state, "quarantined"), *j;
	size_t i;

	json_array_foreach(list, i, j) {
		const char *of = json_string_value(json_object_get(j, "build_id"));
		size_t k = h->nquarantined;

		/* Those of libraries name theirs, and count for nothing else. */
		if (build_id ? !of || !sut_streq(of, build_id) : of != NULL)
			continue;
		if (k == DECIDE_QUARANTINED_MAX)
			return bad(err, "quarantined");
		text(j, "id", h->quarantined[k].id, sizeof(h->quarantined[k].id));
		text(j, "sha256", h->quarantined[k].sha256, sizeof(h->quarantined[k].sha256));
		text(j, "why", h->quarantined[k].why, sizeof(h->quarantined[k].why));
		if (level(j, "quarantined", &h->quarantined[k].level, err) < 0)
			return -EBADMSG;
		h->nquarantined = k + 1;
	}
	return 0;
}

static int read_patch(const json_t *state, struct decide_half *h, struct sut_err *err)
{
	const json_t *j = json_object_get(state, "patch");

	if (!json_is_object(j))
		return 0;
	text(j, "id", h->patch.id, sizeof(h->patch.id));
	text(j, "sha256", h->patch.sha256, sizeof(h->patch.sha256));
	if (!h->patch.id[0])
		return bad(err, "patch.id");
	return level(j, "patch.level", &h->patch.level, err);
}

/* What the root half cannot read any more, so that it applies nothing. */
static void read_broken(const json_t *state, struct decide_half *h)
{
	static const char *const codes[] = {"choice", "guard"};
	const json_t *list = json_object_get(state, "errors"), *j;
	size_t i;

	for (size_t k = 0; k < SUT_ARRAY_SIZE(codes); k++)
		json_array_foreach(list, i, j) {
			const char *code = json_string_value(json_object_get(j, "code"));

			if (!code || !sut_streq(code, codes[k]))
				continue;
			text(j, "code", h->broken, sizeof(h->broken));
			text(j, "message", h->broken_text, sizeof(h->broken_text));
			return;
		}
}

/* The earliest of several. */
static void read_probation(const json_t *j, struct half *half)
{
	const json_t *phase = json_object_get(j, "phase");
	json_int_t left = json_integer_value(
		json_object_get(json_object_get(j, "probation"), "seconds_left"));

	if (!json_is_string(phase) || !sut_streq(json_string_value(phase), "probation"))
		return;
	if (left < 0)
		left = 0;
	if (!half->probation || left < half->probation_left_s)
		half->probation_left_s = left;
	half->probation = true;
}

int half_read(const json_t *state, struct half *ret, struct sut_err *err)
{
	const json_t *kernel = json_object_get(state, "kernel"), *j;
	const char *format = json_string_value(json_object_get(state, "format"));
	size_t i;
	struct half half = {.h.known = true};
	struct decide_half *h = &half.h;
	int r;

	if (!format || !sut_streq(format, "suture-apply-state"))
		return bad(err, "format");
	text(kernel, "release", h->release, sizeof(h->release));
	text(kernel, "arch", h->arch, sizeof(h->arch));
	text(kernel, "build_id", h->build_id, sizeof(h->build_id));
	text(state, "boot_id", half.boot_id, sizeof(half.boot_id));
	j = json_object_get(state, "support");
	text(j, "state", h->support, sizeof(h->support));
	text(j, "message", h->support_text, sizeof(h->support_text));
	if (!h->support[0])
		return bad(err, "support.state");
	h->unloaded = json_is_true(json_object_get(state, "unloaded"));
	h->residue = json_is_true(json_object_get(state, "residue"));
	r = read_switch(state, h, err);
	if (r == 0)
		r = read_engine(state, h, err);
	if (r == 0)
		r = read_patch(state, h, err);
	if (r == 0)
		r = read_quarantined(state, NULL, h, err);
	read_broken(state, h);
	j = json_object_get(state, "choice");
	/* One that cannot be read is none, and nothing is applied as long as it is so. */
	if (r == 0 && !json_is_object(j) && !sut_streq(h->broken, "choice"))
		r = bad(err, "choice");
	if (r == 0 && json_is_object(j))
		r = choice_from_json(j, &half.choice, err);
	if (r < 0)
		return r;
	read_probation(state, &half);
	json_array_foreach(json_object_get(state, "libraries"), i, j) {
		read_probation(j, &half);
	}
	*ret = half;
	return 0;
}

int half_library(const struct half *kernel, const json_t *state, const char *build_id,
		 struct half *ret, struct sut_err *err)
{
	struct half half = *kernel;
	struct decide_half *h = &half.h;
	const json_t *j;
	size_t i;
	int r = 0;

	/* What is the kernel's alone. Who else patches it is none of a library's business. */
	memset(&h->patch, 0, sizeof(h->patch));
	h->nquarantined = 0;
	h->unloaded = h->residue = false;
	h->engine = DECIDE_ENGINE_LOADED;
	if (sut_streq(h->support, "foreign"))
		memcpy(h->support, "supported", sizeof("supported"));
	if (sut_streq(h->broken, "guard"))
		h->broken[0] = 0;
	json_array_foreach(json_object_get(state, "libraries"), i, j) {
		const char *of = json_string_value(json_object_get(j, "build_id"));

		if (!of || !sut_streq(of, build_id))
			continue;
		h->unloaded = json_is_true(json_object_get(j, "unloaded"));
		text(j, "id", h->patch.id, sizeof(h->patch.id));
		text(j, "sha256", h->patch.sha256, sizeof(h->patch.sha256));
		r = level(j, "libraries.level", &h->patch.level, err);
		if (!h->patch.level)
			memset(&h->patch, 0, sizeof(h->patch));
	}
	if (r == 0)
		r = read_quarantined(state, build_id, h, err);
	if (r < 0)
		return r;
	*ret = half;
	return 0;
}
