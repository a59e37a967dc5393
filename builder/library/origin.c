// SPDX-License-Identifier: Apache-2.0
#include "library/origin.h"

#include <stdlib.h>
#include <string.h>

/* Is it the name of an object between compiler and linker: "/tmp/ccAbCdEf.o"? */
static bool is_temporary(const char *path)
{
	const char *base = strrchr(path, '/');

	return base && strlen(base) == strlen("/ccAbCdEf.o") && sut_startswith(base, "/cc") &&
	       sut_endswith(base, ".o");
}

const struct sut_record *sut_origin_find(const struct sut_links *l, const struct sut_origin *o,
					 const char **ret_source)
{
	size_t n, nth = 0;
	const struct sut_record *const *v = sut_links_with_hash(l, o->hash, &n);
	const struct sut_record *best = NULL;

	for (size_t i = 0; i < n; i++)
		if (!v[i]->link && v[i]->nsources == 1 &&
		    (!best || sut_endswith(o->input->path, v[i]->out)))
			best = v[i];
	if (best) {
		*ret_source = best->sources[0];
		return best;
	}
	if (o->in_archive || !*o->link->call || !is_temporary(o->input->path))
		return NULL;
	for (const struct sut_record_input *in = o->link->in; in < o->input; in++)
		nth += is_temporary(in->path);
	for (size_t i = 0; i < l->log->n; i++) {
		const struct sut_record *r = &l->log->v[i];

		if (!r->link && sut_streq(r->call, o->link->call) && nth < r->nsources) {
			*ret_source = r->sources[nth];
			return r;
		}
	}
	return NULL;
}

const char *sut_origin_language(const struct sut_record *r, const char *source)
{
	const char *dot = strrchr(source, '.'), *x = "";

	for (size_t i = 0; i + 1 < r->argc; i++)
		if (sut_streq(r->argv[i], "-x") && !sut_streq(r->argv[i + 1], "none"))
			x = r->argv[i + 1];
	if (*x)
		return sut_streq(x, "c") || sut_streq(x, "c++") ? x
		       : sut_startswith(x, "assembler")		? "asm"
								: "";
	if (!dot)
		return "";
	if (sut_streq(dot, ".s") || sut_streq(dot, ".S") || sut_streq(dot, ".sx"))
		return "asm";
	if (!sut_streq(dot, ".c") && !sut_streq(dot, ".i"))
		return "c++";
	return strstr(r->argv[0], "++") ? "c++" : "c";
}

json_t *sut_origin_argv(const struct sut_record *r, const char *source)
{
	json_t *a = json_array();

	for (size_t i = 0; i < r->argc; i++) {
		const char *s = r->argv[i];
		_cleanup_(sut_freep) char *path = NULL;

		if (!*r->call) {
			json_array_append_new(a, json_string_nocheck(s));
			continue;
		}
		if (sut_streq(s, "-o") || sut_streq(s, "-l") || sut_streq(s, "-Xlinker")) {
			i++;
			continue;
		}
		if (sut_startswith(s, "-l") || sut_startswith(s, "-Wl,"))
			continue;
		path = sut_record_path(r->cwd, s);
		/* The other sources, objects and archives. */
		if (i && *s != '-' && path && !sut_streq(path, source) &&
		    (sut_endswith(s, ".o") || sut_endswith(s, ".a") || sut_endswith(s, ".so")))
			continue;
		if (i && *s != '-' && path && !sut_streq(path, source)) {
			bool other = false;

			for (size_t k = 0; k < r->nsources; k++)
				other |= sut_streq(path, r->sources[k]);
			if (other)
				continue;
		}
		json_array_append_new(a, json_string_nocheck(s));
	}
	if (*r->call)
		json_array_append_new(a, json_string_nocheck("-c"));
	return a;
}
