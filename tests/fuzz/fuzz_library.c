// SPDX-License-Identifier: Apache-2.0
/* patch/library.h: what parses can be used without another look, and there is one way to write it. */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "patch/library.h"

/* Everything that an engine touches without asking again. */
static void walk(const struct sut_library *l)
{
	uint64_t sum = 0;

	FUZZ_ASSERT(l->nfuncs > 0 && l->head_len == sut_library_head_len(l->nfuncs));
	FUZZ_ASSERT(l->head_len < l->exec_len && l->exec_len <= l->data_off);
	FUZZ_ASSERT(l->data_off % SUT_LIBRARY_PAGE == 0 && l->data_off <= l->mem_len);
	FUZZ_ASSERT(l->mem_len <= SUT_LIBRARY_IMAGE_MAX && l->image_len <= l->mem_len);
	for (size_t i = 0; i < l->image_len; i++)
		sum += l->image[i];
	for (size_t i = 0; i < l->nfuncs; i++) {
		const struct sut_library_func *f = &l->funcs[i];
		uint32_t len = f->redirect == SUT_LIBRARY_ISLAND ? 2 : 5;

		FUZZ_ASSERT(f->name[0] && strlen(f->name) < SUT_LIBRARY_NAME_MAX);
		FUZZ_ASSERT(f->jump_off + len <= f->span && f->size <= f->span);
		FUZZ_ASSERT(f->new_off >= l->head_len && f->new_off + f->new_size <= l->exec_len);
		FUZZ_ASSERT(i == 0 || f[-1].vaddr + f[-1].span <= f->vaddr);
		for (size_t j = 0; j < f->span; j++)
			sum += f->bytes[j];
	}
	for (size_t i = 0; i < l->nranges; i++) {
		const struct sut_library_range *x = &l->ranges[i];

		FUZZ_ASSERT(x->name[0] && x->size > 0);
		FUZZ_ASSERT(i == 0 || x[-1].vaddr + x[-1].size <= x->vaddr);
		for (size_t j = 0; j < x->size; j++)
			sum += x->bytes[j];
	}
	for (size_t i = 0; i < l->nrelocs; i++) {
		const struct sut_library_reloc *x = &l->relocs[i];

		FUZZ_ASSERT(x->off >= l->head_len && x->off + 4 <= l->image_len);
		FUZZ_ASSERT(x->base != SUT_LIBRARY_IMPORT || x->import < l->nimports);
	}
	for (size_t i = 0; i < l->nimports; i++)
		sum += strlen(l->imports[i].name) + strlen(l->imports[i].version);
	*(volatile uint64_t *)&sum = sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(sut_library_freep) struct sut_library *l = NULL;
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(SUT_LIBRARY_MAX);
	struct sut_err err = {0};
	int r = sut_library_parse(data, size, &l, &err);

	if (r < 0) {
		FUZZ_ASSERT(!l && err.code == -r && err.msg[0]);
		FUZZ_ASSERT(r == -EBADMSG || r == -EPROTONOSUPPORT || r == -ENOMEM);
		return 0;
	}
	walk(l);
	r = sut_library_write(l, &out, &err);
	FUZZ_ASSERT(r == 0 || r == -ENOMEM);
	if (r == 0)
		FUZZ_ASSERT(out.len == size && memcmp(out.data, data, size) == 0);
	return 0;
}
