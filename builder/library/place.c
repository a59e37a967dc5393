// SPDX-License-Identifier: Apache-2.0
#include "library/place.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "library/archive.h"
#include "library/map.h"
#include "library/origin.h"

enum { DEPTH_MAX = 8 }; /* of `ld -r` within each other */

/* A kept content: an object, or an archive with its members. */
struct content {
	char *hash;
	struct sut_buf bytes;
	struct sut_archive archive; /* n 0: an object */
};

struct section {
	const char *name; /* in the object's bytes */
	uint64_t size, flags;
	uint32_t type;
};

/* Where the map says that a section of the object went. */
struct piece {
	const char *section;
	uint64_t vaddr, size;
	bool gone; /* discarded */
};

struct object {
	const char *file, *member; /* as the map names it */
	const struct sut_record_input *input;
	const struct sut_record *link; /* that loaded it */
	const uint8_t *data;
	size_t len;
	char hash[SUT_RECORD_HASH_TEXT];
	Elf *elf;
	struct section *sections;
	size_t nsections;
	struct piece *pieces;
	size_t npieces, pieces_cap;
};

struct job {
	const struct sut_lib_placement *p;
	struct content **contents;
	size_t ncontents;
	struct sut_map **maps; /* their strings are used until the end */
	size_t nmaps;
	struct object **objects; /* in the order of the link */
	size_t nobjects, objects_cap;
	json_t *paths, *index, *out; /* index: path → its place in paths */
};

/* ---- contents and objects ---- */

static int get_content(struct job *j, const char *hash, struct content **ret, struct sut_err *err)
{
	struct content *c, **v;
	int r;

	for (size_t i = 0; i < j->ncontents; i++)
		if (sut_streq(j->contents[i]->hash, hash)) {
			*ret = j->contents[i];
			return 0;
		}
	v = realloc(j->contents, (j->ncontents + 1) * sizeof(struct content *));
	if (!v)
		return sut_err_oom(err);
	j->contents = v;
	c = calloc(1, sizeof(*c));
	if (!c)
		return sut_err_oom(err);
	v[j->ncontents++] = c;
	c->hash = strdup(hash);
	if (!c->hash)
		return sut_err_oom(err);
	r = sut_links_read(j->p->links, hash, &c->bytes, err);
	if (r == 0 && c->bytes.len > 8 && !memcmp(c->bytes.data, "!<arch>\n", 8))
		r = sut_archive_parse(c->bytes.data, c->bytes.len, &c->archive, err);
	if (r == 0)
		*ret = c;
	return r;
}

static int read_sections(struct object *o, struct sut_err *err)
{
	size_t n, names;
	Elf_Scn *scn = NULL;

	elf_version(EV_CURRENT);
	/* libelf does not write to it. */
	o->elf = elf_memory((char *)(uintptr_t)o->data, o->len);
	if (!o->elf || elf_kind(o->elf) != ELF_K_ELF || elf_getshdrnum(o->elf, &n) < 0 ||
	    elf_getshdrstrndx(o->elf, &names) < 0)
		return sut_err_set(err, EBADMSG, "%s%s%s is no object that can be read", o->file,
				   *o->member ? ":" : "", o->member);
	o->sections = calloc(n + 1, sizeof(*o->sections));
	if (!o->sections)
		return sut_err_oom(err);
	while ((scn = elf_nextscn(o->elf, scn))) {
		GElf_Shdr sh;
		const char *name;

		if (!gelf_getshdr(scn, &sh) || !(sh.sh_flags & SHF_ALLOC))
			continue;
		name = elf_strptr(o->elf, names, sh.sh_name);
		if (name)
			o->sections[o->nsections++] =
				(struct section){name, sh.sh_size, sh.sh_flags, sh.sh_type};
	}
	return 0;
}

/* A new object of the link with these bytes. */
static int new_object(struct job *j, const struct sut_record *link,
		      const struct sut_record_input *input, const char *file, const char *member,
		      const uint8_t *data, size_t len, struct sut_err *err)
{
	struct object *o;

	if (j->nobjects == j->objects_cap) {
		size_t cap = j->objects_cap ? j->objects_cap * 2 : 256;
		struct object **v = realloc(j->objects, cap * sizeof(struct object *));

		if (!v)
			return sut_err_oom(err);
		j->objects = v;
		j->objects_cap = cap;
	}
	o = calloc(1, sizeof(*o));
	if (!o)
		return sut_err_oom(err);
	j->objects[j->nobjects++] = o;
	*o = (struct object){.file = file,
			     .member = member,
			     .input = input,
			     .link = link,
			     .data = data,
			     .len = len};
	sut_record_hash(data, len, o->hash);
	return read_sections(o, err);
}

/* The objects that a name of the map stands for; several when an archive has members of one name. */
static int load(struct job *j, const struct sut_record *link, const struct sut_map_entry *e,
		struct sut_err *err)
{
	const struct sut_record_input *in = NULL;
	struct content *c = NULL;
	int r;

	for (size_t i = 0; i < link->nin && !in; i++)
		if (sut_streq(link->in[i].path, e->file))
			in = &link->in[i];
	if (!in)
		return 0; /* made by the linker itself */
	r = get_content(j, in->hash, &c, err);
	if (r < 0 || !c)
		return r;
	if (!c->archive.n)
		return *e->member ? 0
				  : new_object(j, link, in, e->file, "", c->bytes.data,
					       c->bytes.len, err);
	for (size_t i = 0; i < c->archive.n && r == 0; i++)
		if (sut_streq(c->archive.v[i].name, e->member))
			r = new_object(j, link, in, e->file, e->member, c->archive.v[i].data,
				       c->archive.v[i].len, err);
	return r;
}

static size_t count_sections(const struct object *o, const char *name, uint64_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < o->nsections; i++)
		n += o->sections[i].size == size && sut_streq(o->sections[i].name, name);
	return n;
}

static size_t count_pieces(const struct object *o, const char *name, uint64_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < o->npieces; i++)
		n += o->pieces[i].size == size && sut_streq(o->pieces[i].section, name);
	return n;
}

static bool is_named(const struct object *o, const struct sut_record *link,
		     const struct sut_map_entry *e)
{
	return o->link == link && sut_streq(o->member, e->member) && sut_streq(o->file, e->file);
}

/* The object that an entry belongs to, NULL for what the linker made. known: "file(member" → its first object. */
static int find_object(struct job *j, const struct sut_record *link, const struct sut_map_entry *e,
		       json_t *known, struct object **ret, struct sut_err *err)
{
	_cleanup_(sut_freep) char *key = sut_sprintf("%s(%s", e->file, e->member);
	json_t *at = key ? json_object_get(known, key) : NULL;
	size_t first = j->nobjects;
	int r = 0;

	*ret = NULL;
	if (!key)
		return sut_err_oom(err);
	if (at) {
		first = (size_t)json_integer_value(at);
	} else {
		if (json_object_set_new_nocheck(known, key, json_integer((json_int_t)first)) < 0)
			return sut_err_oom(err);
		r = load(j, link, e, err);
	}
	for (size_t i = first; r == 0 && i < j->nobjects && is_named(j->objects[i], link, e); i++) {
		struct object *o = j->objects[i];

		if (!*ret)
			*ret = o;
		/* Of members with one name, the one that still has such a section. */
		if (count_pieces(o, e->section, e->size) < count_sections(o, e->section, e->size)) {
			*ret = o;
			break;
		}
	}
	return r;
}

static int add_piece(struct object *o, struct piece p, struct sut_err *err)
{
	if (o->npieces == o->pieces_cap) {
		size_t cap = o->pieces_cap ? o->pieces_cap * 2 : 8;
		struct piece *v = realloc(o->pieces, cap * sizeof(*v));

		if (!v)
			return sut_err_oom(err);
		o->pieces = v;
		o->pieces_cap = cap;
	}
	o->pieces[o->npieces++] = p;
	return 0;
}

/*
 * Which of the object's sections of that name a piece is. When none was discarded they are in their order, else by their size;
 * false: not known, or not as long as the map says, which is so for what the linker merged.
 */
static bool which_section(const struct object *o, size_t piece, uint32_t *ret_nth)
{
	const struct piece *p = &o->pieces[piece];
	size_t sections = 0, pieces = 0, before = 0, same = 0, nth = 0;
	bool gone = false;

	for (size_t i = 0; i < o->nsections; i++)
		sections += o->sections[i].size && sut_streq(o->sections[i].name, p->section);
	for (size_t i = 0; i < o->npieces; i++) {
		if (!sut_streq(o->pieces[i].section, p->section))
			continue;
		gone |= o->pieces[i].gone;
		before += !o->pieces[i].gone && i < piece;
		same += i < piece && o->pieces[i].size == p->size;
		pieces++;
	}
	/* Discarded ones come first in the list: their order among the others is lost. */
	for (size_t i = 0; i < o->nsections; i++) {
		const struct section *s = &o->sections[i];

		if (!sut_streq(s->name, p->section))
			continue;
		if (s->size &&
		    (gone ? s->size == p->size && !same-- : sections == pieces && !before--)) {
			*ret_nth = (uint32_t)nth;
			return s->size == p->size &&
			       (!gone || count_sections(o, p->section, p->size) == 1 ||
				count_pieces(o, p->section, p->size) ==
					count_sections(o, p->section, p->size));
		}
		nth++;
	}
	return false;
}

static const struct section *nth_section(const struct object *o, const char *name, uint32_t nth)
{
	for (size_t i = 0; i < o->nsections; i++)
		if (sut_streq(o->sections[i].name, name) && !nth--)
			return &o->sections[i];
	return NULL;
}

/* ---- maps ---- */

static int get_map(struct job *j, const struct sut_record *link, const struct sut_map **ret,
		   struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_MAP_MAX);
	struct sut_map **v = realloc(j->maps, (j->nmaps + 1) * sizeof(struct sut_map *));
	int r;

	if (!v)
		return sut_err_oom(err);
	j->maps = v;
	r = sut_links_read(j->p->links, link->map, &b, err);
	if (r == 0)
		r = sut_map_parse(b.data, b.len, &v[j->nmaps], err);
	if (r == 0)
		*ret = v[j->nmaps++];
	return r;
}

/* Where a section of the link's output is; false: nowhere in memory. */
struct where {
	const struct sut_linked *linked; /* the final link */
	const struct object *joined;	 /* or what `ld -r` wrote, placed already */
};

static bool translate(const struct where *w, const struct sut_map_entry *e, uint64_t *ret)
{
	if (w->linked) {
		const struct sut_linked_section *s = sut_linked_section(w->linked, e->output);

		*ret = e->addr;
		return s && (s->flags & SHF_ALLOC);
	}
	for (size_t i = 0; i < w->joined->npieces; i++) {
		const struct piece *p = &w->joined->pieces[i];
		uint64_t off = e->addr - e->output_addr;
		uint32_t nth;

		if (p->gone || !sut_streq(p->section, e->output) ||
		    !which_section(w->joined, i, &nth) || nth != e->output_nth || off > p->size ||
		    e->size > p->size - off)
			continue;
		*ret = p->vaddr + off;
		return true;
	}
	return false;
}

/* The pieces of every object of a link. */
static int collect(struct job *j, const struct sut_record *link, const struct where *w,
		   struct sut_err *err)
{
	json_t *known = json_object();
	const struct sut_map *m = NULL;
	int r = known ? get_map(j, link, &m, err) : sut_err_oom(err);

	for (size_t i = 0; r == 0 && m && i < m->ndiscarded + m->nplaced; i++) {
		bool gone = i < m->ndiscarded;
		const struct sut_map_entry *e =
			gone ? &m->discarded[i] : &m->placed[i - m->ndiscarded];
		struct piece p = {.section = e->section, .size = e->size, .gone = gone};
		struct object *o;

		if (!gone && !translate(w, e, &p.vaddr))
			continue;
		r = find_object(j, link, e, known, &o, err);
		if (r == 0 && o)
			r = add_piece(o, p, err);
	}
	json_decref(known);
	return r;
}

/* ---- what is told of an object ---- */

static const char *under(const char *dir, const char *path)
{
	size_t n = strlen(dir);

	return sut_startswith(path, dir) && path[n] == '/' ? path + n + 1 : NULL;
}

static int path_index(struct job *j, const char *path, json_t *to)
{
	json_t *at = json_object_get(j->index, path);

	if (!at) {
		at = json_integer((json_int_t)json_array_size(j->paths));
		if (json_array_append_new(j->paths, json_string_nocheck(path)) < 0 ||
		    json_object_set_new_nocheck(j->index, path, at) < 0)
			return -ENOMEM;
	}
	return json_array_append(to, at) < 0 ? -ENOMEM : 0;
}

static int tell_deps(struct job *j, const struct sut_record *r, json_t *o)
{
	_cleanup_strv_ struct sut_strv deps = {0};
	json_t *list = json_array();
	int e = sut_record_deps(r->deps, r->cwd, &deps);

	if (e == 0 && r->nsources == 1 && !deps.n)
		e = sut_strv_add(&deps, r->sources[0]);
	for (size_t i = 0; i < deps.n && e == 0; i++) {
		const char *rel = under(j->p->src_dir, deps.v[i]);

		if (rel)
			e = path_index(j, rel, list);
	}
	if (json_object_set_new(o, "deps", list) < 0)
		e = -ENOMEM;
	return e;
}

static int tell_pieces(const struct object *o, json_t *out)
{
	json_t *list = json_array();

	for (size_t i = 0; i < o->npieces; i++) {
		const struct piece *p = &o->pieces[i];
		const struct section *s;
		uint32_t nth;

		if (p->gone || !which_section(o, i, &nth))
			continue;
		s = nth_section(o, p->section, nth);
		if (!s || (s->flags & SHF_MERGE) || sut_streq(s->name, ".eh_frame") ||
		    sut_streq(s->name, ".note.gnu.property"))
			continue;
		if (json_array_append_new(list, json_pack("[s, I, I, I]", p->section,
							  (json_int_t)p->vaddr, (json_int_t)p->size,
							  (json_int_t)nth)) < 0)
			break;
	}
	return json_object_set_new(out, "placed", list) < 0 ? -ENOMEM : 0;
}

/* Not made safe one by one: `add` does that for all, before it writes the profile. */
static int write_object(const char *path, const uint8_t *data, size_t len, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0)
		return sut_err_errno(err, "cannot create %s", path);
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return sut_err_errno(err, "cannot write %s", path);
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int tell(struct job *j, const struct object *o, struct sut_err *err)
{
	_cleanup_(sut_freep) char *name = sut_sprintf("%05zu.o", json_array_size(j->out));
	_cleanup_(sut_freep) char *path = name ? sut_sprintf("%s/%s", j->p->dest, name) : NULL;
	const char *source = "";
	const struct sut_origin from = {o->hash, o->link, o->input, *o->member};
	const struct sut_record *r = sut_origin_find(j->p->links, &from, &source);
	const char *rel = r ? under(j->p->src_dir, source) : NULL;
	json_t *t;
	int e;

	if (!path)
		return sut_err_oom(err);
	e = write_object(path, o->data, o->len, err);
	if (e < 0)
		return e;
	t = json_pack("{s:s, s:s, s:s, s:s, s:o}", "object", name, "source", rel ? rel : "", "cwd",
		      r ? r->cwd : "", "language", r ? sut_origin_language(r, source) : "", "argv",
		      r ? sut_origin_argv(r, source) : json_array());
	e = r ? tell_deps(j, r, t) : json_object_set_new(t, "deps", json_array());
	if (e == 0)
		e = tell_pieces(o, t);
	if (json_array_append_new(j->out, t) < 0 || e < 0)
		return sut_err_oom(err);
	return 0;
}

static int take_apart(struct job *j, const struct sut_record *link, const struct where *w,
		      unsigned int depth, struct sut_err *err)
{
	size_t from = j->nobjects, to;
	int r = collect(j, link, w, err);

	to = j->nobjects;
	for (size_t i = from; i < to && r == 0; i++) {
		const struct object *o = j->objects[i];
		const struct sut_record *joined = sut_links_last(j->p->links, o->hash);
		bool placed = false;

		for (size_t k = 0; k < o->npieces; k++)
			placed |= !o->pieces[k].gone;
		if (joined && depth < DEPTH_MAX)
			r = take_apart(j, joined, &(struct where){.joined = o}, depth + 1, err);
		else if (placed)
			r = tell(j, o, err);
	}
	return r;
}

static void release(struct job *j)
{
	for (size_t i = 0; i < j->nobjects; i++) {
		elf_end(j->objects[i]->elf);
		free(j->objects[i]->sections);
		free(j->objects[i]->pieces);
		free(j->objects[i]);
	}
	for (size_t i = 0; i < j->ncontents; i++) {
		free(j->contents[i]->hash);
		sut_archive_release(&j->contents[i]->archive);
		sut_buf_release(&j->contents[i]->bytes);
		free(j->contents[i]);
	}
	for (size_t i = 0; i < j->nmaps; i++)
		sut_map_free(j->maps[i]);
	free(j->objects);
	free(j->contents);
	free(j->maps);
	json_decref(j->paths);
	json_decref(j->index);
	json_decref(j->out);
}

int sut_lib_place_objects(const struct sut_lib_placement *p, const struct sut_record *link,
			  const struct sut_linked *linked, json_t **ret, struct sut_err *err)
{
	struct job j = {.p = p, .paths = json_array(), .index = json_object(), .out = json_array()};
	json_t *all = NULL;
	int r = take_apart(&j, link, &(struct where){.linked = linked}, 0, err);

	if (r == 0)
		all = json_pack("{s:O, s:O}", "paths", j.paths, "objects", j.out);
	if (r == 0 && !all)
		r = sut_err_oom(err);
	release(&j);
	if (r == 0)
		*ret = all;
	return r;
}
