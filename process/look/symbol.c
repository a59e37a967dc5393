// SPDX-License-Identifier: Apache-2.0
#include "look/symbol.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

enum {
	DYN_MAX = 512,	 /* entries of a dynamic section */
	BLOCK = 64,	 /* relocations read at once */
	HIDDEN = 0x8000, /* of a version index */
};

/* ---- reading ---- */

static bool word(const struct elf_mem *m, uint64_t addr, void *ret, size_t len)
{
	return m->read(m->ctx, addr, ret, len) == 0;
}

/* Are the bytes at strtab + off the name, with its NUL? */
static bool named(const struct elf_mem *m, const struct symbol_object *o, uint32_t off,
		  const char *name)
{
	char buf[SUT_LIBRARY_NAME_MAX];
	size_t len = strlen(name) + 1;

	return len <= sizeof(buf) && off < o->strsz && len <= o->strsz - off &&
	       word(m, o->strtab + off, buf, len) && !memcmp(buf, name, len);
}

/* glibc puts addresses into a dynamic section that it may write to; others leave what the file has. */
static uint64_t address(const struct proc_elf *e, uint64_t v)
{
	return v >= e->low && v < e->high ? v : v + e->bias;
}

int symbol_object(const struct elf_mem *m, const struct proc_elf *e, struct symbol_object *ret)
{
	struct symbol_object o = {.bias = e->bias, .low = e->low, .high = e->high};
	size_t max =
		e->dynamic && e->dynamic < e->high ? (e->high - e->dynamic) / sizeof(Elf64_Dyn) : 0;
	Elf64_Dyn v[DYN_MAX] = {0};
	size_t n = 0;

	/* Its length is not known: as much as can be read, in pieces that get smaller. */
	if (max > DYN_MAX)
		max = DYN_MAX;
	for (size_t step = 32; n < max && step;) {
		size_t k = step < max - n ? step : max - n;

		if (word(m, e->dynamic + n * sizeof(*v), v + n, k * sizeof(*v))) {
			n += k;
			for (size_t i = n - k; i < n; i++)
				if (v[i].d_tag == DT_NULL) {
					n = i;
					step = 0;
				}
		} else {
			step = k / 2;
		}
	}
	for (size_t i = 0; i < n; i++) {
		uint64_t val = v[i].d_un.d_val, at = address(e, val);

		switch (v[i].d_tag) {
		case DT_SYMTAB:
			o.symtab = at;
			break;
		case DT_STRTAB:
			o.strtab = at;
			break;
		case DT_STRSZ:
			o.strsz = val;
			break;
		case DT_GNU_HASH:
			o.gnu_hash = at;
			break;
		case DT_HASH:
			o.hash = at;
			break;
		case DT_VERSYM:
			o.versym = at;
			break;
		case DT_VERDEF:
			o.verdef = at;
			break;
		case DT_VERDEFNUM:
			o.nverdef = val < SYMBOL_VERSIONS_MAX ? (uint32_t)val : SYMBOL_VERSIONS_MAX;
			break;
		case DT_VERNEED:
			o.verneed = at;
			break;
		case DT_VERNEEDNUM:
			o.nverneed =
				val < SYMBOL_VERSIONS_MAX ? (uint32_t)val : SYMBOL_VERSIONS_MAX;
			break;
		case DT_RELA:
			o.rela = at;
			break;
		case DT_RELASZ:
			o.relasz = val;
			break;
		case DT_JMPREL:
			o.jmprel = at;
			break;
		case DT_PLTRELSZ:
			o.pltrelsz = val;
			break;
		case DT_DEBUG:
			o.debug = val;
			break;
		case DT_SYMBOLIC:
			o.symbolic = true;
			break;
		case DT_FLAGS:
			o.symbolic = o.symbolic || val & DF_SYMBOLIC;
			break;
		default:
			break;
		}
	}
	if (!o.symtab || !o.strtab || !o.strsz)
		return -EBADMSG;
	*ret = o;
	return 0;
}

/* ---- the linker's list ---- */

/* <link.h>: struct r_debug and struct link_map, whose first members are part of the interface with debuggers. */
struct debug {
	int32_t version, pad;
	uint64_t map, brk;
	int32_t state, pad2;
	uint64_t ldbase, next;
};

struct link {
	uint64_t addr, name, ld, next, prev;
};

static const struct proc_elf *elf_with(const struct proc_elf *elfs, size_t n, uint64_t dynamic)
{
	for (size_t i = 0; i < n; i++)
		if (elfs[i].dynamic == dynamic)
			return &elfs[i];
	return NULL;
}

/* One namespace. 1: it has the file; 0: it has not. */
static int walk(const struct elf_mem *m, const struct proc_elf *elfs, size_t nelfs, uint64_t map,
		uint64_t dynamic, struct symbol_object *v, size_t *ret_n)
{
	size_t n = 0;
	bool found = false;

	for (size_t i = 0; map && i < SYMBOL_OBJECTS_MAX; i++) {
		const struct proc_elf *e;
		struct link l;

		if (!word(m, map, &l, sizeof(l)))
			break;
		map = l.next;
		e = l.ld ? elf_with(elfs, nelfs, l.ld) : NULL;
		/* The vdso is in the list and no file. */
		if (!e || n == nelfs || symbol_object(m, e, &v[n]) < 0)
			continue;
		n++;
		found = found || l.ld == dynamic;
	}
	*ret_n = n;
	return found;
}

static uint64_t find_debug(const struct elf_mem *m, const struct proc_elf *elfs, size_t nelfs)
{
	struct symbol_object o;
	struct symbol s;

	for (size_t i = 0; i < nelfs; i++)
		if (symbol_object(m, &elfs[i], &o) == 0 && o.debug)
			return o.debug;
	/* ld.so was run as a program. */
	for (size_t i = 0; i < nelfs; i++)
		if (symbol_object(m, &elfs[i], &o) == 0 &&
		    symbol_find(m, &o, "_r_debug", "", &s) == 0)
			return s.addr;
	return 0;
}

int symbol_scope(const struct elf_mem *m, const struct proc_elf *elfs, size_t nelfs,
		 uint64_t dynamic, bool loading, struct symbol_object **ret, size_t *ret_n,
		 struct sut_err *err)
{
	_cleanup_(sut_freep) struct symbol_object *v = calloc(nelfs + 1, sizeof(*v));
	uint64_t at;
	size_t n = 0;

	if (!v)
		return sut_err_oom(err);
	at = dynamic ? find_debug(m, elfs, nelfs) : 0;
	for (size_t i = 0; at && i < SYMBOL_SPACES_MAX; i++) {
		struct debug d = {0};

		if (!word(m, at, &d, offsetof(struct debug, next)))
			break;
		if (d.state && !loading)
			return sut_err_reason(
				err, EBUSY, "busy",
				"The process loads or unloads a library just now. Try "
				"again.");
		if (walk(m, elfs, nelfs, d.map, dynamic, v, &n)) {
			*ret = sut_steal(v);
			*ret_n = n;
			return 0;
		}
		/* The other namespaces are known from version 2 on. */
		if (d.version < 2 || !word(m, at, &d, sizeof(d)))
			break;
		at = d.next;
	}
	return sut_err_reason(err, ENOENT, "import",
			      "The process has no dynamic linker that knows this file.");
}

/* ---- versions ---- */

/* Has the version index ndx of the definitions that name? */
static bool defines(const struct elf_mem *m, const struct symbol_object *o, uint16_t ndx,
		    const char *version)
{
	uint64_t at = o->verdef;

	for (uint32_t i = 0; at && i < o->nverdef; i++) {
		Elf64_Verdef d;
		Elf64_Verdaux a;

		if (!word(m, at, &d, sizeof(d)))
			return false;
		if (d.vd_ndx == ndx)
			return word(m, at + d.vd_aux, &a, sizeof(a)) &&
			       named(m, o, a.vda_name, version);
		if (!d.vd_next)
			return false;
		at += d.vd_next;
	}
	return false;
}

/* The same for what a file needs from others. */
static bool needs(const struct elf_mem *m, const struct symbol_object *o, uint16_t ndx,
		  const char *version)
{
	uint64_t at = o->verneed;
	uint32_t left = SYMBOL_VERSIONS_MAX;

	for (uint32_t i = 0; at && i < o->nverneed; i++) {
		Elf64_Verneed n;
		uint64_t aux;

		if (!word(m, at, &n, sizeof(n)))
			return false;
		aux = at + n.vn_aux;
		for (uint16_t k = 0; k < n.vn_cnt && left; k++, left--) {
			Elf64_Vernaux a;

			if (!word(m, aux, &a, sizeof(a)))
				return false;
			if ((a.vna_other & ~HIDDEN) == ndx)
				return named(m, o, a.vna_name, version);
			if (!a.vna_next)
				break;
			aux += a.vna_next;
		}
		if (!n.vn_next)
			return false;
		at += n.vn_next;
	}
	return false;
}

static bool version_fits(const struct elf_mem *m, const struct symbol_object *o, uint32_t sym,
			 const char *version)
{
	uint16_t v;

	if (!o->versym)
		return true;
	if (!word(m, o->versym + 2 * (uint64_t)sym, &v, sizeof(v)))
		return false;
	if (!version[0])
		return !(v & HIDDEN);
	if (v < 2) /* a symbol without a version fits every one */
		return v == 1;
	return defines(m, o, v & ~HIDDEN, version);
}

/* ---- definitions ---- */

static bool take(const struct elf_mem *m, const struct symbol_object *o, uint32_t i,
		 const char *name, const char *version, struct symbol *ret)
{
	Elf64_Sym s;
	unsigned int type, bind;

	if (!word(m, o->symtab + sizeof(s) * (uint64_t)i, &s, sizeof(s)))
		return false;
	type = ELF64_ST_TYPE(s.st_info);
	bind = ELF64_ST_BIND(s.st_info);
	if (s.st_shndx == SHN_UNDEF ||
	    (bind != STB_GLOBAL && bind != STB_WEAK && bind != STB_GNU_UNIQUE) ||
	    (type != STT_NOTYPE && type != STT_OBJECT && type != STT_FUNC && type != STT_COMMON &&
	     type != STT_TLS && type != STT_GNU_IFUNC) ||
	    !named(m, o, s.st_name, name) || !version_fits(m, o, i, version))
		return false;
	*ret = (struct symbol){.addr = s.st_shndx == SHN_ABS ? s.st_value : s.st_value + o->bias,
			       .ifunc = type == STT_GNU_IFUNC,
			       .tls = type == STT_TLS};
	return true;
}

static int find_gnu(const struct elf_mem *m, const struct symbol_object *o, const char *name,
		    const char *version, struct symbol *ret)
{
	struct {
		uint32_t nbuckets, first, nbloom, shift;
	} h;
	uint32_t hash = 5381, i, c;
	uint64_t bloom, buckets, chain;

	for (const char *s = name; *s; s++)
		hash = hash * 33 + (uint8_t)*s;
	if (!word(m, o->gnu_hash, &h, sizeof(h)) || !h.nbuckets || !h.nbloom || h.shift > 31 ||
	    (h.nbloom & (h.nbloom - 1)))
		return -EBADMSG;
	if (!word(m, o->gnu_hash + sizeof(h) + 8 * (uint64_t)(hash / 64 & (h.nbloom - 1)), &bloom,
		  sizeof(bloom)))
		return -EBADMSG;
	if (!(bloom >> hash % 64 & 1) || !(bloom >> (hash >> h.shift) % 64 & 1))
		return -ENOENT;
	buckets = o->gnu_hash + sizeof(h) + 8 * (uint64_t)h.nbloom;
	chain = buckets + 4 * (uint64_t)h.nbuckets;
	if (!word(m, buckets + 4 * (uint64_t)(hash % h.nbuckets), &i, sizeof(i)))
		return -EBADMSG;
	if (!i)
		return -ENOENT;
	if (i < h.first)
		return -EBADMSG;
	for (uint32_t n = 0; n < SYMBOL_CHAIN_MAX && i >= h.first; n++, i++) {
		if (!word(m, chain + 4 * (uint64_t)(i - h.first), &c, sizeof(c)))
			return -EBADMSG;
		if ((c | 1) == (hash | 1) && take(m, o, i, name, version, ret))
			return 0;
		if (c & 1)
			return -ENOENT;
	}
	return -EBADMSG;
}

static int find_sysv(const struct elf_mem *m, const struct symbol_object *o, const char *name,
		     const char *version, struct symbol *ret)
{
	uint32_t h[2], hash = 0, i;

	for (const char *s = name; *s; s++) {
		hash = (hash << 4) + (uint8_t)*s;
		hash ^= hash >> 24 & 0xf0;
		hash &= 0x0fffffff;
	}
	if (!word(m, o->hash, h, sizeof(h)) || !h[0] ||
	    !word(m, o->hash + 8 + 4 * (uint64_t)(hash % h[0]), &i, sizeof(i)))
		return -EBADMSG;
	for (uint32_t n = 0; n < SYMBOL_CHAIN_MAX && i; n++) {
		if (i >= h[1])
			return -EBADMSG;
		if (take(m, o, i, name, version, ret))
			return 0;
		if (!word(m, o->hash + 8 + 4 * ((uint64_t)h[0] + i), &i, sizeof(i)))
			return -EBADMSG;
	}
	return i ? -EBADMSG : -ENOENT;
}

int symbol_find(const struct elf_mem *m, const struct symbol_object *o, const char *name,
		const char *version, struct symbol *ret)
{
	int r = -ENOENT;

	if (!name[0])
		return -ENOENT;
	if (o->gnu_hash)
		r = find_gnu(m, o, name, version, ret);
	else if (o->hash)
		r = find_sysv(m, o, name, version, ret);
	return r == -EBADMSG ? -ENOENT : r;
}

/* ---- references ---- */

static bool refers(const struct elf_mem *m, const struct symbol_object *o, uint32_t sym,
		   const char *name, const char *version)
{
	Elf64_Sym s;
	uint16_t v;

	if (!word(m, o->symtab + sizeof(s) * (uint64_t)sym, &s, sizeof(s)) ||
	    !named(m, o, s.st_name, name))
		return false;
	if (!version[0] || !o->versym)
		return true;
	if (!word(m, o->versym + 2 * (uint64_t)sym, &v, sizeof(v)))
		return false;
	v &= (uint16_t)~HIDDEN;
	return s.st_shndx == SHN_UNDEF ? needs(m, o, v, version) : defines(m, o, v, version);
}

static bool slot_in(const struct elf_mem *m, const struct symbol_object *o,
		    const struct symbol_object *owner, uint64_t table, uint64_t size,
		    const char *name, const char *version, uint64_t *ret)
{
	uint64_t n = size / sizeof(Elf64_Rela);
	Elf64_Rela r[BLOCK];

	if (!table || n > SYMBOL_RELOCS_MAX)
		return false;
	for (uint64_t at = 0; at < n; at += BLOCK) {
		size_t k = n - at < BLOCK ? (size_t)(n - at) : BLOCK;

		if (!word(m, table + at * sizeof(*r), r, k * sizeof(*r)))
			return false;
		for (size_t i = 0; i < k; i++) {
			uint32_t type = (uint32_t)ELF64_R_TYPE(r[i].r_info);
			uint64_t v;

			/* In the owner itself a slot may still hold the address of a stub. */
			if ((type != R_X86_64_GLOB_DAT &&
			     (type != R_X86_64_JUMP_SLOT || o->bias == owner->bias) &&
			     (type != R_X86_64_64 || r[i].r_addend)) ||
			    !refers(m, o, (uint32_t)ELF64_R_SYM(r[i].r_info), name, version) ||
			    !word(m, r[i].r_offset + o->bias, &v, sizeof(v)) || v < owner->low ||
			    v >= owner->high)
				continue;
			*ret = v;
			return true;
		}
	}
	return false;
}

int symbol_slot(const struct elf_mem *m, const struct symbol_object *o,
		const struct symbol_object *owner, const char *name, const char *version,
		uint64_t *ret)
{
	if (slot_in(m, o, owner, o->jmprel, o->pltrelsz, name, version, ret) ||
	    slot_in(m, o, owner, o->rela, o->relasz, name, version, ret))
		return 0;
	return -ENOENT;
}
