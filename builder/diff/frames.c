// SPDX-License-Identifier: Apache-2.0
#include "diff/frames.h"

#include <errno.h>
#include <string.h>

enum {
	PE_PCREL_SDATA4 = 0x1b,
	PE_INDIRECT = 0x80,
	PE_OMIT = 0xff,
};

struct cursor {
	const uint8_t *p;
	size_t at, end; /* absolute in the section */
	bool bad;
};

#define bad(err, ...) sut_err_set(err, EBADMSG, "the object's .eh_frame is damaged: " __VA_ARGS__)

static uint8_t get8(struct cursor *c)
{
	if (c->at >= c->end) {
		c->bad = true;
		return 0;
	}
	return c->p[c->at++];
}

static uint32_t get32(struct cursor *c)
{
	uint32_t v = 0;

	if (c->end - c->at < 4 || c->at > c->end) {
		c->bad = true;
		return 0;
	}
	memcpy(&v, c->p + c->at, 4);
	c->at += 4;
	return v;
}

static uint64_t get_uleb(struct cursor *c)
{
	uint64_t v = 0;

	for (unsigned int shift = 0; shift < 63; shift += 7) {
		uint8_t b = get8(c);

		v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return v;
	}
	c->bad = true;
	return 0;
}

static const struct sut_rela *rela_at(const struct sut_section *s, uint64_t off)
{
	for (size_t i = sut_section_first_rela(s, off); i < s->nrelas && s->relas[i].offset == off;
	     i++)
		if (s->relas[i].type != R_X86_64_NONE)
			return &s->relas[i];
	return NULL;
}

static int unknown(struct sut_err *err, unsigned int enc)
{
	return sut_err_reason(
		err, EOPNOTSUPP, "frames",
		"the object's unwind tables have pointers of form 0x%x, which cannot be "
		"moved into a running process: was it compiled without -fPIC and -fPIE?",
		enc);
}

static int read_common(struct cursor c, const struct sut_section *s, struct sut_frame_common *f,
		       struct sut_err *err)
{
	char aug[8] = "";
	size_t n = 0;
	uint8_t version = get8(&c);

	if (version != 1 && version != 3)
		return bad(err, "version %u of an entry is not known", version);
	for (char ch; (ch = (char)get8(&c)) && !c.bad; aug[n++] = ch)
		if (n + 1 >= sizeof(aug))
			return bad(err, "an augmentation is too long");
	get_uleb(&c);
	get_uleb(&c);
	if (version == 1)
		get8(&c);
	else
		get_uleb(&c);
	if (*aug && *aug != 'z')
		return bad(err, "augmentation '%s' is not known", aug);
	if (*aug)
		get_uleb(&c);
	for (const char *a = aug; *a && !c.bad; a++) {
		uint8_t enc;

		switch (*a) {
		case 'z':
		case 'S':
		case 'B':
			break;
		case 'P':
			enc = get8(&c);
			if ((enc & ~(unsigned int)PE_INDIRECT) != PE_PCREL_SDATA4)
				return unknown(err, enc);
			f->personality = (uint32_t)c.at;
			get32(&c);
			if (!c.bad && !rela_at(s, f->personality))
				return bad(err, "a personality has no relocation");
			break;
		case 'L':
			enc = get8(&c);
			if (enc != PE_PCREL_SDATA4 && enc != PE_OMIT)
				return unknown(err, enc);
			f->lsda = enc != PE_OMIT;
			break;
		case 'R':
			enc = get8(&c);
			if (enc != PE_PCREL_SDATA4)
				return unknown(err, enc);
			break;
		default:
			return bad(err, "augmentation '%s' is not known", aug);
		}
	}
	if (!strchr(aug, 'R') && !c.bad)
		return unknown(err, 0);
	return c.bad ? bad(err, "an entry ends early") : 0;
}

/* The place that a pointer means. */
static int pointed(const struct sut_object *o, const struct sut_section *s, uint64_t at,
		   uint32_t *ret_section, uint64_t *ret_off, struct sut_err *err)
{
	const struct sut_rela *r = rela_at(s, at);
	const struct sut_sym *sym;
	int64_t off;

	if (!r)
		return bad(err, "a pointer has no relocation");
	if (r->type != R_X86_64_PC32)
		return unknown(err, r->type);
	sym = &o->syms[r->sym];
	*ret_section = 0;
	*ret_off = 0;
	if (!sym->shndx || sym->shndx >= o->nsections)
		return 0; /* discarded code */
	off = (int64_t)sym->value + r->addend;
	if (off < 0 || (uint64_t)off > o->sections[sym->shndx].size)
		return bad(err, "a pointer leads outside of %s", o->sections[sym->shndx].name);
	*ret_section = sym->shndx;
	*ret_off = (uint64_t)off;
	return 0;
}

static int read_frame(struct cursor c, const struct sut_object *o, const struct sut_section *s,
		      const struct sut_frame_common *common, struct sut_frame *f,
		      struct sut_err *err)
{
	int r = pointed(o, s, c.at, &f->section, &f->start, err);
	uint64_t aug;

	if (r < 0)
		return r;
	get32(&c);
	f->size = get32(&c);
	aug = get_uleb(&c);
	if (c.bad || aug > c.end - c.at)
		return bad(err, "an entry ends early");
	if (f->section && f->size > o->sections[f->section].size - f->start)
		return bad(err, "an entry is longer than %s", o->sections[f->section].name);
	if (!common->lsda)
		return 0;
	f->lsda_at = (uint32_t)c.at;
	if (aug < 4)
		return bad(err, "an entry ends early");
	if (!rela_at(s, f->lsda_at)) { /* this one has no handlers */
		f->lsda_at = 0;
		return 0;
	}
	return pointed(o, s, f->lsda_at, &f->lsda, &f->lsda_off, err);
}

static int add_common(struct sut_frames *f, const struct sut_frame_common *c)
{
	struct sut_frame_common *v = reallocarray(f->commons, f->ncommons + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	f->commons = v;
	v[f->ncommons++] = *c;
	return 0;
}

static int add_frame(struct sut_frames *f, const struct sut_frame *e)
{
	struct sut_frame *v = f->v;

	if (!(f->n & (f->n - 1))) { /* full at each power of two */
		v = reallocarray(f->v, f->n ? 2 * f->n : 1, sizeof(*v));
		if (!v)
			return -ENOMEM;
		f->v = v;
	}
	v[f->n++] = *e;
	return 0;
}

static int read_entry(struct sut_frames *f, const struct sut_object *o, struct cursor c,
		      size_t start, struct sut_err *err)
{
	const struct sut_section *s = &o->sections[f->eh];
	size_t id_at = c.at;
	uint32_t id = get32(&c), len = (uint32_t)(c.end - start);
	int r;

	if (c.bad)
		return bad(err, "an entry ends early");
	if (!id) {
		struct sut_frame_common common = {.off = (uint32_t)start, .len = len};

		r = read_common(c, s, &common, err);
		return r < 0 ? r : add_common(f, &common) < 0 ? sut_err_oom(err) : 0;
	}
	for (size_t i = f->ncommons; i-- > 0;) {
		struct sut_frame e = {.off = (uint32_t)start, .len = len, .common = (uint32_t)i};

		if (f->commons[i].off + (uint64_t)id != id_at)
			continue;
		r = read_frame(c, o, s, &f->commons[i], &e, err);
		return r < 0 ? r : add_frame(f, &e) < 0 ? sut_err_oom(err) : 0;
	}
	return bad(err, "an entry refers to nothing");
}

int sut_frames_read(const struct sut_object *o, struct sut_frames *ret, struct sut_err *err)
{
	_cleanup_(sut_frames_release) struct sut_frames f = {
		.eh = sut_object_section(o, ".eh_frame")};
	const struct sut_section *s = &o->sections[f.eh];
	struct cursor c = {.p = s->data, .end = s->data ? s->size : 0};
	int r = 0;

	if (f.eh && s->size > UINT32_MAX)
		return bad(err, "it is too large");
	while (!r && f.eh && c.at < c.end) {
		size_t start = c.at;
		uint32_t len = get32(&c);

		if (c.bad)
			return bad(err, "it ends in a length");
		if (!len)
			break;
		if (len > c.end - c.at)
			return bad(err, "an entry is longer than the section");
		if (f.n >= SUT_FRAMES_MAX || f.ncommons >= SUT_FRAMES_MAX)
			return bad(err, "more than %d entries", SUT_FRAMES_MAX);
		r = read_entry(&f, o, (struct cursor){.p = c.p, .at = c.at, .end = c.at + len},
			       start, err);
		c.at += len;
	}
	if (r < 0)
		return r;
	*ret = f;
	f = (struct sut_frames){0};
	return 0;
}

void sut_frames_release(struct sut_frames *f)
{
	free(f->commons);
	free(f->v);
	*f = (struct sut_frames){0};
}
