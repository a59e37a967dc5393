// SPDX-License-Identifier: Apache-2.0
/* patch/manifest.h: any JSON text. */
#include <string.h>

#include "fuzz.h"
#include "patch/library.h"
#include "patch/manifest.h"

static void check(const struct sut_manifest *m)
{
	bool library = sut_manifest_is_library(m);

	FUZZ_ASSERT(!library || (m->nobjects == 1 && !*m->target.release &&
				 m->target.file[0] == '/' && !strchr(m->target.soname, '/')));
	FUZZ_ASSERT(m->nobjects >= 1 && m->nobjects <= SUT_MANIFEST_OBJECTS_MAX);
	FUZZ_ASSERT(sut_manifest_count_functions(m) <= SUTURE_MAX_FUNCS);
	FUZZ_ASSERT(m->id[0] && strlen(m->id) < SUTURE_ID_MAX);
	for (size_t i = 0; i < m->nobjects; i++) {
		const struct sut_manifest_object *o = &m->objects[i];

		FUZZ_ASSERT(strlen(o->module) < SUTURE_MODULE_MAX && !strchr(o->module, '/'));
		FUZZ_ASSERT(sut_member_name_ok(o->payload));
		FUZZ_ASSERT(library ? !*o->expect && !*o->module && !o->nanchors && !o->keep
				    : sut_member_name_ok(o->expect) && !o->nimports);
		for (size_t j = 0; j < o->nfunctions; j++)
			FUZZ_ASSERT(o->functions[j].address && o->functions[j].redirect &&
				    strlen(o->functions[j].name) <
					    (library ? SUT_LIBRARY_NAME_MAX : SUTURE_NAME_MAX));
		for (size_t j = 0; j < o->nimports; j++)
			FUZZ_ASSERT(o->imports[j].name[0] && o->imports[j].version);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *j = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	struct sut_manifest *m = NULL;
	struct sut_err err = {0};

	if (!j)
		return 0;
	if (sut_manifest_load(j, &m, &err) == 0)
		check(m);
	else
		FUZZ_ASSERT(!m && err.code && err.msg[0]);
	sut_manifest_free(m);
	json_decref(j);
	return 0;
}
